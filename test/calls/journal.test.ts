import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { Journal } from '../../src/calls/journal.ts'
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
    const journal = new Journal(database, { customers: columns })
    const writes = countWrites()
    const saves: Promise<boolean>[] = []
    for (let count = 0; count < 100; count++) {
      const one = row(`customer ${count}`)
      saves.push(journal.save('customers', one).then(() => isStored(one)))
      await delay(1)
    }
    t.false((await Promise.all(saves)).includes(false))
    t.true(writes() <= 50, `${writes()} statements`)
  },
)

test.serial('of what is written together, only the row that MySQL refuses is refused', async (t) => {
  const journal = new Journal(database, { customers: columns })
  const [good, bad, last] = [row('good'), row(null), row('last')]
  const [first, second, third] = await Promise.allSettled(
    [good, bad, last].map((one) => journal.save('customers', one)),
  )
  t.deepEqual([first?.status, second?.status, third?.status], ['fulfilled', 'rejected', 'fulfilled'])
  t.true((await isStored(good)) && (await isStored(last)))
})

test.serial('a drained journal has written what was to come soon', async (t) => {
  const journal = new Journal(database, { customers: columns })
  const one = row('soon')
  void journal.save('customers', one, 'soon')
  await journal.drain()
  t.true(await isStored(one))
})
