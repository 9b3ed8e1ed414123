import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { WriteBehind } from '../../src/database/write-behind.ts'
import { now, type DataSource } from '../../src/database.ts'
import { openFresh, type FreshDatabase } from '../api/support.ts'

const columns = ['id', 'name', 'detail', 'tm_create', 'tm_update']

let fresh: FreshDatabase
let database: DataSource

test.before(async () => {
  ;({ fresh, database } = await openFresh())
})

test.after.always(async () => {
  await database?.destroy()
  await fresh?.drop()
})

const row = (name: string | null) => ({
  ...{ id: crypto.randomUUID(), name, detail: '', tm_create: now(), tm_update: null },
})

async function isStored({ id }: { id: string }): Promise<boolean> {
  return (await database.query('SELECT 1 FROM customers WHERE id = ?', [id])).length === 1
}

/** Counts the statements that write, from now on. */
function countWrites(): () => number {
  const { pool } = database.driver as unknown as { pool: { query: (...args: unknown[]) => unknown } }
  const query = pool.query.bind(pool)
  let writes = 0
  pool.query = (...args) => {
    if (String(args[0]).startsWith('INSERT')) writes++
    return query(...args)
  }
  return () => writes
}

test.serial(
  'what many want stored within a moment goes in few statements, and is there when its save resolves',
  async (t) => {
    const writes = new WriteBehind(database, { customers: { columns } })
    const count = countWrites()
    const saves: Promise<boolean>[] = []
    for (let n = 0; n < 100; n++) {
      const one = row(`customer ${n}`)
      saves.push(writes.store([['customers', one]]).then(() => isStored(one)))
      await delay(1)
    }
    t.false((await Promise.all(saves)).includes(false))
    t.true(count() <= 50, `${count()} statements`)
  },
)

test.serial('of what is written together, only the row that MySQL refuses is refused', async (t) => {
  const writes = new WriteBehind(database, { customers: { columns } })
  const [good, bad, last] = [row('good'), row(null), row('last')]
  const [first, second, third] = await Promise.allSettled(
    [good, bad, last].map((one) => writes.store([['customers', one]])),
  )
  t.deepEqual([first?.status, second?.status, third?.status], ['fulfilled', 'rejected', 'fulfilled'])
  t.true((await isStored(good)) && (await isStored(last)))
})

test.serial('what is drained has written what was to come soon', async (t) => {
  const writes = new WriteBehind(database, { customers: { columns } })
  const one = row('soon')
  void writes.store([['customers', one]], 'soon')
  await writes.drain()
  t.true(await isStored(one))
})
