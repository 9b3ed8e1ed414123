import test from 'ava'
import { openDatabase, type DataSource } from '../../src/database.ts'
import { event, insertEvents } from '../../src/events/event.ts'
import { Relay, type NumberedEvent } from '../../src/events/relay.ts'
import { createLogger } from '../../src/log.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { openFresh, type FreshDatabase } from '../api/support.ts'

const log = createLogger('silent')
let fresh: FreshDatabase
let database: DataSource

test.before(async () => {
  ;({ fresh, database } = await openFresh())
})

test.after.always(async () => {
  await database?.destroy()
  await fresh?.drop()
})

const happened = (customer_id: string, resource_id = 'a', data: object = {}) =>
  event({ customer_id, resource_type: 'call', resource_id, data: JSON.stringify(data) }, 'updated')

interface Stored {
  id: string
  sequence: number | null
  resource_id: string
  data: string
}

const storedOf = (customer: string): Promise<Stored[]> =>
  database.query('SELECT id, sequence, resource_id, data FROM events WHERE customer_id = ? ORDER BY sequence', [
    customer,
  ])

const allNumbered = async (): Promise<boolean> =>
  (await database.query('SELECT 1 FROM events WHERE sequence IS NULL LIMIT 1')).length === 0

test.serial('events are numbered for each customer from 1, in the order of their insertion', async (t) => {
  const [one, other] = [crypto.randomUUID(), crypto.randomUUID()]
  const events = [happened(one), happened(other), happened(one), happened(one)]
  await insertEvents(database.manager, events)
  const told: NumberedEvent[] = []
  const relay = new Relay(database, log, [async (_manager, numbered) => void told.push(...numbered)])
  t.is(await relay.relay(), 4)
  t.is(await relay.relay(), 0)
  t.deepEqual(
    told.map(({ id, sequence }) => [id, sequence]),
    events.map(({ id }, index) => [id, [1, 1, 2, 3][index]]),
  )
  await insertEvents(database.manager, [happened(one)])
  await relay.relay()
  t.deepEqual(
    (await storedOf(one)).map(({ sequence }) => sequence),
    [1, 2, 3, 4],
  )
})

test.serial('an event that becomes visible after a later one is not lost and gets the later number', async (t) => {
  const customer = crypto.randomUUID()
  const relay = new Relay(database, log)
  const [early, late] = [happened(customer, 'a'), happened(customer, 'b')]
  const runner = database.createQueryRunner()
  await runner.startTransaction()
  await insertEvents(runner.manager, [early])
  await insertEvents(database.manager, [late])
  await relay.relay()
  await runner.commitTransaction()
  await runner.release()
  await relay.relay()
  t.deepEqual(
    (await storedOf(customer)).map(({ id }) => id),
    [late.id, early.id],
  )
})

test.serial('what goes wrong in the transaction leaves no number behind', async (t) => {
  const customer = crypto.randomUUID()
  await insertEvents(database.manager, [happened(customer)])
  const failing = new Relay(database, log, [() => Promise.reject(new Error('not today'))])
  await t.throwsAsync(failing.relay(), { message: 'not today' })
  t.is((await storedOf(customer))[0]!.sequence, null)
  await new Relay(database, log).relay()
  t.is((await storedOf(customer))[0]!.sequence, 1)
})

test.serial('several relays number many events without a gap, each once, in order per resource', async (t) => {
  const customer = crypto.randomUUID()
  const others = await Promise.all([1, 2].map(() => openDatabase(fresh.url, { entities: [] })))
  const told: NumberedEvent[] = []
  const relays = [database, ...others].map(
    (one) => new Relay(one, log, [async (_manager, events) => void told.push(...events)]),
  )
  for (const relay of relays) relay.start()
  const writers = ['a', 'b', 'c', 'd'].map(async (resource) => {
    for (let count = 0; count < 50; count++)
      await insertEvents(database.manager, [happened(customer, resource, { count })])
  })
  await Promise.all(writers)
  t.true(await becomesTrue(10_000, allNumbered))
  for (const relay of relays) await relay.stop()
  for (const one of others) await one.destroy()
  const rows = await storedOf(customer)
  t.deepEqual(
    rows.map(({ sequence }) => sequence),
    rows.map((_, index) => index + 1),
  )
  t.is(new Set(told.map(({ id }) => id)).size, 200)
  t.is(told.length, 200)
  for (const resource of ['a', 'b', 'c', 'd']) {
    const counts = rows.filter(({ resource_id }) => resource_id === resource).map(({ data }) => JSON.parse(data).count)
    t.deepEqual(counts, [...counts.keys()])
  }
})
