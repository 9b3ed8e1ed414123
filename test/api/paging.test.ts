import test from 'ava'
import { adminKey, useApi, type Api } from './support.ts'

const api = useApi(test)

/** Extensions straight into the table: many, and several of the same moment. */
async function fill(customerId: string, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, index) => [
    ...[crypto.randomUUID(), customerId, `n${index}`, '', `u${index}`, 'd'],
    `2026-01-01 00:00:00.${String(Math.floor(index / 5)).padStart(6, '0')}`,
  ])
  await api().database.query(
    'INSERT INTO extensions (id, customer_id, name, detail, username, domain_name, tm_create) VALUES ?',
    [rows],
  )
}

interface PlanRow {
  table: string
  key: string
  Extra: string | null
}

interface Item {
  id: string
  tm_create: string
}

async function walk(key: string, size: number, between?: () => Promise<void>): Promise<Item[]> {
  const seen: Item[] = []
  let token = ''
  do {
    const { status, body } = await api().get(key, `/v1.0/extensions?page_size=${size}&page_token=${token}`)
    if (status !== 200) throw new Error(JSON.stringify(body))
    seen.push(...body.result)
    token = body.next_page_token
    await between?.()
  } while (token)
  return seen
}

test('pages show every row once, the newest first, also where many are of one moment', async (t) => {
  const { id, key } = await api().customer()
  await fill(id, 43)
  for (const size of [1, 3, 5, 42, 43, 44, 100]) {
    const seen = await walk(key, size)
    t.is(seen.length, 43)
    t.is(new Set(seen.map((row) => row.id)).size, 43)
    const order = seen.map((row) => row.tm_create + row.id)
    t.deepEqual(order, [...order].sort().reverse())
  }
})

test('the token is empty on the last page, and on an empty one', async (t) => {
  const { id, key } = await api().customer()
  t.deepEqual((await api().get(key, '/v1.0/extensions')).body, { result: [], next_page_token: '' })
  await fill(id, 4)
  t.is((await api().get(key, '/v1.0/extensions?page_size=4')).body.next_page_token, '')
  const { next_page_token } = (await api().get(key, '/v1.0/extensions?page_size=3')).body
  t.regex(next_page_token, /^[\w-]+$/)
})

test('rows that come and go while someone turns the pages shift nothing', async (t) => {
  const { id, key } = await api().customer()
  await fill(id, 20)
  const before = (await walk(key, 100)).map((row) => row.id)
  let count = 0
  const seen = await walk(key, 4, async () => {
    await api().post(key, '/v1.0/extensions', { username: `new${count++}`, password: 'a password' })
    await api().delete(key, `/v1.0/extensions/${before[0]}`)
  })
  t.deepEqual(
    seen.map((row) => row.id),
    before,
  )
})

test('a page has 1 to 100 rows, 100 if not said', async (t) => {
  const { id, key } = await api().customer()
  await fill(id, 101)
  t.is((await api().get(key, '/v1.0/extensions')).body.result.length, 100)
  for (const size of ['0', '101', '-1', '1.5', 'ten', '1e9', '99999999999999999999', '', 'NaN', '1&page_size=2']) {
    const { status, body } = await api().get(key, `/v1.0/extensions?page_size=${size}`)
    t.is(status, 400, size)
    t.is(body.error.details[0].field, 'page_size')
  }
})

test('a page token that is none of ours is refused', async (t) => {
  const { key } = await api().customer()
  const forged = (text: string): string => Buffer.from(text).toString('base64url')
  for (const token of [
    ...['x', '%27', '😀', 'a'.repeat(300)],
    forged(`2026-01-01T00:00:00.000000Z' ${crypto.randomUUID()}`),
    forged(`2026-99-01T00:00:00.000000Z ${crypto.randomUUID()}`),
    forged(`2026-02-30T00:00:00.000000Z ${crypto.randomUUID()}`),
    forged(`2026-01-01T24:00:00.000000Z ${crypto.randomUUID()}`),
    forged('2026-01-01T00:00:00.000000Z'),
  ]) {
    const { status, body } = await api().get(key, `/v1.0/extensions?page_token=${encodeURIComponent(token)}`)
    t.is(status, 400, token)
    t.is(body.error.details[0].field, 'page_token')
  }
})

test.serial('a list is two indexed queries, however many rows it has', async (t) => {
  const { id, key } = await api().customer()
  const other = await api().customer()
  await fill(id, 600)
  await fill(other.id, 600)
  await api().database.query('ANALYZE TABLE extensions')
  const queries = await queriesOf(api(), () => api().get(key, '/v1.0/extensions?page_size=100'))
  t.is(queries.length, 3) // the key, the rows, their failures
  const [sql, values] = queries[1]!
  const plan: PlanRow[] = await api().database.query(`EXPLAIN FORMAT=TRADITIONAL ${sql}`, values)
  const page = plan.find(({ table }) => table === 'place')
  t.deepEqual([page?.key, /Using index/.test(page?.Extra ?? '')], ['extensions_newest', true])
  t.is(plan.find(({ table }) => table === 'row')?.key, 'PRIMARY')
  t.false(/filesort/.test(page?.Extra ?? ''))
  t.is((await queriesOf(api(), () => api().get(key, '/v1.0/accesskeys'))).length, 2)
  t.is((await queriesOf(api(), () => api().get(adminKey, '/v1.0/customers'))).length, 1)
})

/** What the process asked the database meanwhile. */
async function queriesOf(of: Api, run: () => Promise<unknown>): Promise<[string, unknown[]][]> {
  const runner = of.database.createQueryRunner()
  const prototype = Object.getPrototypeOf(runner)
  await runner.release()
  const { query } = prototype
  const seen: [string, unknown[]][] = []
  prototype.query = function (sql: string, values: unknown[], ...rest: unknown[]) {
    seen.push([sql, values])
    return query.call(this, sql, values, ...rest)
  }
  await run()
  prototype.query = query
  return seen
}
