import { randomUUID } from 'node:crypto'
import test from 'ava'
import { now } from '../../src/database.ts'
import { event, insertEvents } from '../../src/events/event.ts'
import { Relay } from '../../src/events/relay.ts'
import { createLogger } from '../../src/log.ts'
import { openApi, openFresh, type Api, type FreshDatabase } from './support.ts'

let fresh: FreshDatabase
let api: Api

test.before(async () => {
  const opened = await openFresh()
  fresh = opened.fresh
  await opened.database.destroy()
  api = await openApi(fresh.url)
})

test.after.always(async () => {
  await api?.server.stop()
  await api?.database.destroy()
  await fresh?.drop()
})

interface Told {
  id: string
  type: string
  sequence: number
  resource_type: string
  resource_id: string
  data: Record<string, unknown>
}

async function told(key: string, query = ''): Promise<Told[]> {
  await untilNumbered()
  const { status, body } = await api.get(key, `/v1.0/events?${query}`)
  if (status !== 200) throw new Error(JSON.stringify(body))
  return (body as { result: Told[] }).result
}

/** Others number too: this is over when nothing is left. */
async function untilNumbered(): Promise<void> {
  for (;;) {
    await new Relay(api.database, createLogger('silent')).relay()
    const [row]: { count: number }[] = await api.database.query(
      'SELECT COUNT(*) AS count FROM events WHERE sequence IS NULL',
    )
    if (Number(row!.count) === 0) return
  }
}

test('what becomes of a resource is told with it, as GET shows it, and without its secrets', async (t) => {
  const { key } = await api.customer()
  const { body: made } = await api.post(key, '/v1.0/extensions', { username: 'one', password: 'a secret word' })
  const path = `/v1.0/extensions/${made.id}`
  const { body: changed } = await api.put(key, path, { name: 'new', password: 'another secret' })
  const { body: renewed } = await api.post(key, `${path}/direct-hash-regenerate`)
  await api.delete(key, path)
  const { body: accesskey } = await api.post(key, '/v1.0/accesskeys', { name: 'second' })
  const events = (await told(key)).reverse()
  const about = events.filter(({ resource_id }) => resource_id === made.id)
  t.deepEqual(
    about.map(({ type, resource_type }) => [type, resource_type]),
    [
      ['extension_created', 'extension'],
      ['extension_updated', 'extension'],
      ['direct_regenerated', 'extension'],
      ['extension_deleted', 'extension'],
    ],
  )
  t.deepEqual(
    about.slice(0, 3).map(({ data }) => data),
    [made, changed, renewed],
  )
  t.deepEqual(
    events.map(({ sequence }) => sequence),
    events.map((_, index) => events[0]!.sequence + index),
    'the numbers have no gap',
  )
  const text = JSON.stringify(events)
  for (const secret of ['secret', accesskey.token as string, 'ha1', 'token_sha256'])
    t.false(text.includes(secret), secret)
})

test('what is large in a resource is left out of its events, and named', async (t) => {
  const { key } = await api.customer()
  const actions = Array.from({ length: 200 }, () => ({ type: 'talk', option: { text: 'x'.repeat(100) } }))
  const { body: flow } = await api.post(key, '/v1.0/flows', { name: 'large', actions })
  await api.put(key, `/v1.0/flows/${flow.id}`, { actions: actions.slice(0, 2) })
  const [small, large] = await told(key, `resource_id=${flow.id}`)
  const { actions: _, ...others } = flow
  t.deepEqual(large?.data, { ...others, omitted: ['actions'] })
  t.is((small?.data.actions as object[]).length, 2)
})

test('a refused change tells nothing', async (t) => {
  const { key } = await api.customer()
  await api.post(key, '/v1.0/extensions', { username: 'one', password: 'a secret word' })
  const before = await told(key)
  t.is((await api.post(key, '/v1.0/extensions', { username: 'one', password: 'a secret word' })).status, 409)
  t.is((await api.put(key, `/v1.0/extensions/${randomUUID()}`, { name: 'x' })).status, 404)
  t.deepEqual(await told(key), before)
})

test('events are found by type or resource, by what they are about, by number and by time; nobody sees those of others', async (t) => {
  const { key, id: customer_id } = await api.customer()
  const { key: other } = await api.customer()
  const [call, queue] = [randomUUID(), randomUUID()]
  const make = (resource_type: string, what: string, resource_id: string) =>
    insertEvents(api.database, [event({ customer_id, resource_type, resource_id, data: '{}' }, what)])
  await make('queue', 'created', queue)
  await make('queuecall', 'created', randomUUID())
  await make('call', 'created', call)
  const middle = now()
  await make('call', 'progressing', call)
  const types = async (query: string) => (await told(key, query)).map(({ type }) => type)
  t.deepEqual(await types('type=queue'), ['queue_created'])
  t.deepEqual(await types('type=call'), ['call_progressing', 'call_created'])
  t.deepEqual(await types('type=call_created'), ['call_created'])
  t.deepEqual(await types(`resource_id=${call}`), ['call_progressing', 'call_created'])
  t.deepEqual(await types(`type=call&from=${middle}`), ['call_progressing'])
  t.deepEqual(await types(`type=call&until=${middle}`), ['call_created'])
  const [{ sequence }] = (await told(key, 'type=call_created')) as [Told]
  t.deepEqual(await types(`after=${sequence}`), ['call_progressing'])
  t.deepEqual(await types(`type=queue&before=${sequence}`), ['queue_created'])
  t.deepEqual(
    (await told(other)).filter(({ resource_id }) => resource_id === call),
    [],
  )
  const { body: page } = await api.get(key, '/v1.0/events?type=call&page_size=1')
  const { body: rest } = await api.get(key, `/v1.0/events?type=call&page_size=1&page_token=${page.next_page_token}`)
  t.deepEqual(
    [page.result[0].type, rest.result[0].type, rest.next_page_token],
    ['call_progressing', 'call_created', ''],
  )
  for (const wrong of ['type=Call', 'type=call_', "type='", 'after=x', 'from=yesterday'])
    t.is((await api.get(key, `/v1.0/events?${wrong}`)).status, 400, wrong)
})

test('an event whose transaction ends late comes after those that were told by then', async (t) => {
  const { key, id: customer_id } = await api.customer()
  const resource_id = randomUUID()
  const what = (name: string) => event({ customer_id, resource_type: 'call', resource_id, data: '{}' }, name)
  const late = api.database.createQueryRunner()
  await late.startTransaction()
  await insertEvents(late.manager, [what('created')])
  await insertEvents(api.database, [what('progressing')])
  const [first] = await told(key, `resource_id=${resource_id}`)
  t.is(first?.type, 'call_progressing')
  await late.commitTransaction()
  await late.release()
  const [next] = await told(key, `resource_id=${resource_id}&after=${first!.sequence}`)
  t.deepEqual([next?.type, next?.sequence], ['call_created', first!.sequence + 1])
})

test('however many relays there are, the numbers of a customer have no gap and no double', async (t) => {
  const { key, id: customer_id } = await api.customer()
  const relays = Array.from({ length: 4 }, () => new Relay(api.database, createLogger('silent')))
  for (const relay of relays) relay.start()
  const ids = Array.from({ length: 300 }, () => randomUUID())
  await Promise.all(
    ids.map((resource_id) =>
      insertEvents(api.database, [event({ customer_id, resource_type: 'call', resource_id, data: '{}' }, 'created')]),
    ),
  )
  await untilNumbered()
  await Promise.all(relays.map((relay) => relay.stop()))
  const rows: { sequence: number }[] = await api.database.query(
    'SELECT sequence FROM events WHERE customer_id = ? ORDER BY sequence',
    [customer_id],
  )
  const [{ sequence: first }] = rows as [{ sequence: number }]
  t.deepEqual(
    rows.map(({ sequence }) => Number(sequence)),
    rows.map((_, index) => Number(first) + index),
  )
  t.true(rows.length >= 300)
  t.is((await told(key)).length, 100)
})
