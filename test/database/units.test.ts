import test from 'ava'
import type { Pool, PoolConnection } from 'mysql2'
import { now, type DataSource } from '../../src/database.ts'
import { WriteBehind, type StoredRow } from '../../src/database/write-behind.ts'
import { event, eventColumns } from '../../src/events/event.ts'
import { openFresh, type FreshDatabase } from '../api/support.ts'

let fresh: FreshDatabase
let database: DataSource

test.before(async () => {
  ;({ fresh, database } = await openFresh())
})

test.after.always(async () => {
  await database?.destroy()
  await fresh?.drop()
})

const columns = ['id', 'name', 'detail', 'tm_create', 'tm_update']
const tables = { customers: { columns }, events: { columns: eventColumns, immutable: true } }

const customer = (name: string | null = 'one') => ({
  ...{ id: crypto.randomUUID(), name, detail: '', tm_create: now(), tm_update: null },
})

const happened = (id: string, what: string, data = '{}') =>
  event({ customer_id: id, resource_type: 'customer', resource_id: id, data }, what)

async function namesOf(...rows: StoredRow[]): Promise<(string | null)[]> {
  const found: { id: string; name: string }[] = await database.query('SELECT id, name FROM customers')
  return rows.map(({ id }) => found.find((row) => row.id === id)?.name ?? null)
}

async function eventsOf({ id }: StoredRow): Promise<string[]> {
  const rows: { type: string }[] = await database.query(
    'SELECT type FROM events WHERE resource_id = ? ORDER BY insertion',
    [id],
  )
  return rows.map(({ type }) => type)
}

/** What each transaction, or lone statement, has written, from now on: how many rows and how many bytes. */
function watchWrites(): { rows: number; bytes: number }[] {
  const { pool } = database.driver as unknown as { pool: Pool }
  const writes: { rows: number; bytes: number }[] = []
  const watched = new WeakSet<PoolConnection>()
  const getConnection = pool.getConnection.bind(pool)
  pool.getConnection = (done) =>
    getConnection((error, connection) => {
      if (error || watched.has(connection)) return done(error, connection)
      watched.add(connection)
      let write = { rows: 0, bytes: 0 }
      const query = connection.query.bind(connection) as (...args: unknown[]) => unknown
      Object.assign(connection, {
        query(...args: unknown[]) {
          const [sql, values] = args
          if (sql === 'START TRANSACTION') writes.push((write = { rows: 0, bytes: 0 }))
          if (String(sql).startsWith('INSERT')) {
            write.rows += String(sql).split('(?').length - 1
            for (const value of values as unknown[])
              if (typeof value === 'string' || Buffer.isBuffer(value)) write.bytes += value.length
          }
          return query(...args)
        },
      })
      done(error, connection)
    })
  return writes
}

test.serial('a unit of which MySQL refuses one row is stored not at all, and those beside it are', async (t) => {
  const writes = new WriteBehind(database, tables)
  const [good, bad, beside] = [customer(), customer(null), customer()]
  const [refused, stored] = await Promise.allSettled([
    writes.store([
      ['customers', good],
      ['events', happened(good.id, 'created')],
      ['customers', bad],
    ]),
    writes.store([
      ['customers', beside],
      ['events', happened(beside.id, 'created')],
    ]),
  ])
  t.is(refused.status, 'rejected')
  t.is(stored.status, 'fulfilled')
  t.deepEqual(await namesOf(good, bad, beside), [null, null, 'one'])
  t.deepEqual([await eventsOf(good), await eventsOf(beside)], [[], ['customer_created']])
})

test.serial('what has a row in common with a unit that waits is stored with it, in its newest state', async (t) => {
  const writes = new WriteBehind(database, tables)
  const [first, second] = [customer('first'), customer('second')]
  const stored = [
    writes.store(
      [
        ['customers', first],
        ['customers', second],
      ],
      'soon',
    ),
    writes.store([
      ['customers', second],
      ['events', happened(second.id, 'updated')],
    ]),
  ]
  second.name = 'newer'
  await stored[1]
  t.deepEqual(await namesOf(first, second), ['first', 'newer'])
  await stored[0]
  t.deepEqual(await eventsOf(second), ['customer_updated'])
})

test.serial('what happens once is told once, however often it is stored', async (t) => {
  const writes = new WriteBehind(database, tables)
  const one = customer()
  for (const what of ['created', 'updated', 'created', 'updated', 'deleted', 'deleted'])
    await writes.store([
      ['customers', one],
      ['events', happened(one.id, what)],
    ])
  t.deepEqual(await eventsOf(one), ['customer_created', 'customer_updated', 'customer_updated', 'customer_deleted'])
})

test.serial(
  'a transaction is bounded by its bytes and by its rows, and one that is large is written apart',
  async (t) => {
    const writes = new WriteBehind(database, tables)
    const seen = watchWrites()
    const data = JSON.stringify({ text: 'x'.repeat(50_000) })
    const sizes = [...Array<string>(100).fill(data), ...Array<string>(1_000).fill('{}')]
    const large = JSON.stringify({ text: 'y'.repeat(3_000_000) })
    await Promise.all(
      [large, ...sizes].map((text) => {
        const one = customer()
        return writes.store([
          ['customers', one],
          ['events', happened(one.id, 'created', text)],
        ])
      }),
    )
    t.is(
      seen.reduce((sum, { rows }) => sum + rows, 0),
      2 * (1 + sizes.length),
    )
    const apart = seen.filter(({ bytes }) => bytes > 1_100_000)
    t.deepEqual(
      apart.map(({ rows }) => rows),
      [2],
    )
    t.true(Math.max(...seen.map(({ rows }) => rows)) <= 400)
    t.true(seen.length < 60, `${seen.length} transactions`)
  },
)

test.serial('who loses a deadlock, or waits too long for a lock, is stored all the same', async (t) => {
  const writes = new WriteBehind(database, tables)
  const one = customer('before')
  await writes.store([['customers', one]])
  const holder = database.createQueryRunner()
  await holder.startTransaction()
  await holder.query('SELECT 1 FROM customers WHERE id = ? FOR UPDATE', [one.id])
  one.name = 'after'
  const stored = writes.store([
    ['customers', one],
    ['events', happened(one.id, 'updated')],
  ])
  await t.throwsAsync(Promise.race([stored.then(() => 'stored'), rejectsLater(1_500)]), { message: 'it waits' })
  await holder.commitTransaction()
  await holder.release()
  await stored
  t.deepEqual(await namesOf(one), ['after'])
  t.deepEqual(await eventsOf(one), ['customer_updated'])
})

function rejectsLater(ms: number): Promise<never> {
  return new Promise((_, reject) => setTimeout(reject, ms, new Error('it waits')))
}
