import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { isDuplicate, migrate, now, openDatabase, type DataSource } from '../src/database.ts'
import { Customer } from '../src/resources/customer.ts'

import { repairs } from '../src/registrar/repairs.ts'
import { entities } from '../src/resources/index.ts'
import { startMariadb, type Mariadb } from './api/servers.ts'
import { freshDatabase, openApi, openFresh, type FreshDatabase } from './api/support.ts'

let fresh: FreshDatabase
let database: DataSource
let mariadb: Mariadb

test.before(async () => {
  mariadb = await startMariadb()
  ;({ fresh, database } = await openFresh())
})

test.after.always(async () => {
  await database?.destroy()
  await fresh?.drop()
  await mariadb?.stop()
})

/** All of sql/, in their order. */
const sqlFiles = async (): Promise<string[]> => (await readdir(new URL('../sql/', import.meta.url))).sort()

const customer = (more: Partial<Customer> = {}): Customer => {
  const id = crypto.randomUUID()
  return { id, name: 'a', detail: '', max_calls: 200, calls_per_second: 20, tm_create: now(), tm_update: null, ...more }
}

test('times keep their microseconds on the way in and out, in UTC', async (t) => {
  const tm_create = '2026-01-02T03:04:05.123456Z'
  const { id } = await database.getRepository(Customer).save(customer({ tm_create }))
  const row = await database.getRepository(Customer).findOneByOrFail({ id })
  t.is(row.tm_create, tm_create)
  t.is(row.tm_update, null)
  t.is(await database.getRepository(Customer).countBy({ tm_create }), 1)
  const [plain] = await database.query('SELECT tm_create FROM customers WHERE id = ?', [id])
  t.deepEqual(plain, { tm_create: '2026-01-02 03:04:05.123456' })
})

test('what is made later in one process also has a later time', (t) => {
  const times = Array.from({ length: 3000 }, () => now())
  t.deepEqual([...times].sort(), times)
  t.is(new Set(times).size, times.length)
})

test('names may have any character, of four bytes too', async (t) => {
  const name = 'Zoë 株式会社 😀 \u0000 \\ \' " %'
  const { id } = await database.getRepository(Customer).save(customer({ name }))
  t.is((await database.getRepository(Customer).findOneByOrFail({ id })).name, name)
})

test('undefined in a where clause is refused, as it would match everything', async (t) => {
  const id = undefined as unknown as string
  await t.throwsAsync(database.getRepository(Customer).findOneBy({ id }), { message: /undefined/i })
  await t.throwsAsync(database.getRepository(Customer).delete({ id }))
  await t.throwsAsync(database.getRepository(Customer).update({ id }, { name: 'all of them' }))
})

test('a statement cannot carry a second one', async (t) => {
  await t.throwsAsync(database.query('SELECT 1; SELECT 2'), { message: /syntax/i })
})

test('every connection works in UTC, strictly, and without locks on gaps', async (t) => {
  const rows = await Promise.all(
    Array.from({ length: 5 }, () =>
      database.query(
        'SELECT @@time_zone AS zone, @@sql_mode AS mode, @@transaction_isolation AS isolation, SLEEP(0.05)',
      ),
    ),
  )
  for (const [row] of rows) {
    t.is(row.zone, '+00:00')
    t.is(row.isolation, 'READ-COMMITTED')
    t.regex(row.mode, /STRICT_ALL_TABLES/)
    t.notRegex(row.mode, /NO_BACKSLASH_ESCAPES/)
  }
})

test('a refusal is known by its index', async (t) => {
  const row = customer()
  await database.getRepository(Customer).insert(row)
  const error = await t.throwsAsync(database.getRepository(Customer).insert(row))
  t.true(isDuplicate(error, 'PRIMARY'))
  t.false(isDuplicate(error, 'IMARY'))
  t.false(isDuplicate(new Error('Duplicate'), 'PRIMARY'))
})

test('processes that migrate at once do it once', async (t) => {
  const empty = await freshDatabase()
  const done = await Promise.all([migrate(empty.url), migrate(empty.url), migrate(empty.url)])
  t.deepEqual(done.flat(), await sqlFiles())
  t.deepEqual(await migrate(empty.url), [])
  await empty.drop()
})

test('a file that was changed after it was run is refused, and a new one is run', async (t) => {
  const empty = await freshDatabase()
  const path = await mkdtemp(join(tmpdir(), 'sql-'))
  const folder = pathToFileURL(`${path}/`)
  await cp(new URL('../sql/', import.meta.url), path, { recursive: true })
  await migrate(empty.url, { folder })
  await writeFile(new URL('900-more.sql', folder), 'CREATE TABLE more (id INT);\nINSERT INTO more VALUES (1);\n')
  t.deepEqual(await migrate(empty.url, { folder }), ['900-more.sql'])
  const first = new URL('001-foundation.sql', folder)
  await writeFile(first, `${await readFile(first, 'utf8')}-- one more line\n`)
  await t.throwsAsync(migrate(empty.url, { folder }), { message: /001-foundation.sql was changed after/ })
  await t.throwsAsync(migrate(empty.url), { message: /has 900-more.sql, which this version does not know/ })
  await rm(path, { recursive: true })
  await empty.drop()
})

test('a database that is not there, and a wrong password, are told with how to mend them', async (t) => {
  const wrong = new URL(fresh.url)
  wrong.pathname = '/not_there'
  await t.throwsAsync(migrate(wrong.href), { message: /CREATE DATABASE/ })
  const stranger = new URL(fresh.url)
  stranger.password = 'hunter2'
  const error = await t.throwsAsync(migrate(stranger.href), { message: /HASHDIAL_DATABASE_URL/ })
  t.notRegex(error.message, /hunter2/)
})

test('a database that is not up is waited for, and the log says so', async (t) => {
  const lines: string[] = []
  const logger = { info: ({ problem }: { problem: string }, line: string) => lines.push(line, problem) } as never
  const nobody = 'mysql://a:b@127.0.0.1:9/nothing'
  await t.throwsAsync(migrate(nobody, { logger, seconds: 1 }), { message: /did not come up in 1 s: .*REFUSED/ })
  t.deepEqual(lines, ['waiting for the database 127.0.0.1:9/nothing', 'connect ECONNREFUSED 127.0.0.1:9'])
})

for (const kind of ['MySQL', 'MariaDB'] as const) {
  test(`on ${kind} the tables of sql/ and the entities agree`, async (t) => {
    const empty = await freshDatabase(kind === 'MariaDB' ? mariadb.url : undefined)
    await migrate(empty.url)
    const connection = await openDatabase(empty.url, { entities })
    const [{ version }] = await connection.query('SELECT VERSION() AS version')
    t.is(/mariadb/i.test(version), kind === 'MariaDB')
    const { upQueries } = await connection.driver.createSchemaBuilder().log()
    t.deepEqual(
      upQueries.map(({ query }) => query),
      [],
    )
    const tables: Record<string, string>[] = await connection.query('SHOW TABLES')
    const names = tables.map((row) => Object.values(row)[0]).filter((name) => name !== 'migrations')
    t.deepEqual(names.sort(), connection.entityMetadatas.map(({ tableName }) => tableName).sort())
    await connection.destroy()
    await empty.drop()
  })
}

test('the API works on MariaDB as on MySQL', async (t) => {
  const empty = await freshDatabase(mariadb.url)
  await migrate(empty.url)
  const api = await openApi(empty.url)
  t.teardown(async () => {
    await api.server.stop()
    await api.database.destroy()
    await empty.drop()
  })
  const { id: customer_id, key } = await api.customer('Zoë 😀')
  const make = (username: string) => api.post(key, '/v1.0/extensions', { username, password: 'a password' })
  const made = await Promise.all(['a', 'b', 'c', 'a', 'a'].map(make))
  t.deepEqual(made.map(({ status }) => status).sort(), [201, 201, 201, 409, 409])
  const { body: page } = await api.get(key, '/v1.0/extensions?page_size=2')
  const { body: rest } = await api.get(key, `/v1.0/extensions?page_size=2&page_token=${page.next_page_token}`)
  const [one] = rest.result
  t.is(new Set([...page.result, one].map(({ id }) => id)).size, 3)
  const path = `/v1.0/extensions/${one.id}`
  await Promise.all(Array.from({ length: 20 }, () => api.post(key, `${path}/direct-hash-regenerate`)))
  t.regex((await api.put(key, path, { name: 'b', password: 'another one' })).body.direct_hash, /^[0-9a-f]{12}$/)
  await api.database.query(
    `INSERT INTO registration_failures VALUES (?, '192.0.2.1', 'wrong_password', 1, NOW(6), NOW(6), NULL, NULL)`,
    [one.id],
  )
  t.is((await api.get(key, path)).body.registration.failures.length, 1)
  const login = { username: 'jane', password: 'a long password' }
  const { body: tag } = await api.post(key, '/v1.0/tags', { name: 'German' })
  await api.post(key, '/v1.0/agents', { ...login, tag_ids: [tag.id] })
  const { body: logged } = await api.post('', '/v1.0/auth/login', { customer_id, ...login })
  t.is((await api.get(logged.token, `/v1.0/agents/${logged.agent.id}`)).body.tag_ids.length, 1)
  for (const job of repairs({
    callRetentionDays: 1,
    eventRetentionDays: 1,
    recordingRetentionDays: 1,
    failureRetentionDays: 1,
  }))
    t.is(await job.run(api.database), 0)
  t.is((await api.get('', '/health')).body.mysql, 'ok')
  t.is((await api.delete(key, path)).status, 200)
})
