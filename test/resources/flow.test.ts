import test from 'ava'
import { useApi } from '../api/support.ts'

const api = useApi(test)
const id = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
const nobody = '6f1c0f5e-7d53-4d0e-9a53-0c2f5a7f3b11'

async function refused(actions: unknown, more: object = {}): Promise<Record<string, string>> {
  const { key } = await api().customer()
  const { status, body } = await api().post(key, '/v1.0/flows', { actions, ...more })
  if (status !== 400) throw new Error(`${status}: ${JSON.stringify(body)}`)
  const details: { field: string; problem: string }[] = body.error.details
  return Object.fromEntries(details.map(({ field, problem }) => [field, problem]))
}

test('a flow has a direct address, its actions with their ids, and is changed and deleted', async (t) => {
  const { key } = await api().customer()
  const actions = [{ type: 'answer' }, { id: id(1), type: 'sleep', next_id: id(1), option: { duration: 10 } }]
  const { status, body } = await api().post(key, '/v1.0/flows', { name: 'Menu', actions })
  t.is(status, 201)
  t.regex(body.direct_uri, /^sip:direct\.[0-9a-f]{12}@sip\.hashdial\.test$/)
  t.is(body.on_complete_flow_id, null)
  const [first, second] = body.actions
  t.deepEqual(first, { id: first.id, next_id: null, type: 'answer', option: {} })
  t.regex(first.id, /^[0-9a-f-]{36}$/)
  t.deepEqual(second, { id: id(1), next_id: id(1), type: 'sleep', option: { duration: 10 } })

  const path = `/v1.0/flows/${body.id}`
  const named = await api().put(key, path, { name: 'Other', on_complete_flow_id: body.id })
  t.deepEqual(named.body.actions, body.actions)
  t.is(named.body.on_complete_flow_id, body.id)
  // What comes out can be put in again.
  t.deepEqual((await api().put(key, path, { actions: body.actions })).body.actions, body.actions)
  t.deepEqual((await api().put(key, path, { actions: [] })).body.actions, [])
  const regenerated = await api().post(key, `${path}/direct-hash-regenerate`)
  t.not(regenerated.body.direct_hash, body.direct_hash)
  t.is((await api().delete(key, path)).status, 200)
  t.is((await api().get(key, path)).status, 404)
})

test('everything that is wrong is told at once, each by its place in the list', async (t) => {
  const problems = await refused([
    { type: 'sleep', option: { duration: 'long' } },
    { type: 'sleep' },
    { type: 'dance' },
    'answer',
    { type: 'answer', next_id: id(7), colour: 'red' },
    { type: 'goto', option: { target_id: id(8) } },
    { type: 'branch', option: { target_ids: { 1: id(8) }, default_target_id: id(8) } },
    { id: id(1), type: 'stop' },
    { id: id(1), type: 'stop' },
    { id: 'menu', type: 'stop' },
    { type: 'fetch_flow', option: { flow_id: nobody } },
    { type: 'webhook_send', option: { uri: 'file:///etc/passwd', sync: 'yes' } },
  ])
  t.deepEqual(Object.keys(problems).sort(), [
    'actions[0].option.duration',
    'actions[10].option.flow_id',
    'actions[11].option.sync',
    'actions[11].option.uri',
    'actions[1].option.duration',
    'actions[2].type',
    'actions[3]',
    'actions[4].colour',
    'actions[4].next_id',
    'actions[5].option.target_id',
    'actions[6].option.target_ids.1',
    'actions[8].id',
    'actions[9].id',
  ])
  t.is(problems['actions[0].option.duration'], 'must be a number')
  t.is(problems['actions[1].option.duration'], 'is required')
  t.is(problems['actions[8].id'], 'is the id of actions[7] too')
})

test('an action of another product is refused with what to do instead', async (t) => {
  for (const type of ['email_send', 'message_send', 'conversation_send', 'case_create', 'campaign_join'])
    t.regex((await refused([{ type }]))['actions[0].type']!, /another product/, type)
  t.regex((await refused([{ type: 'condition_call_digits' }]))['actions[0].type']!, /condition_variable/)
  t.regex((await refused([{ type: 'constructor' }]))['actions[0].type']!, /none of the actions/)
})

test('a loop that can never end is refused, one that plays, waits or can be left is not', async (t) => {
  const set = (more: object = {}) => ({ type: 'variable_set', option: { key: 'a' }, ...more })
  const goto = (more: object = {}) => ({ type: 'goto', option: { target_id: id(1), ...more } })
  const endless = [
    [set({ id: id(1) }), goto()],
    [set({ id: id(1), next_id: id(1) })],
    [{ type: 'answer' }, { id: id(1), type: 'answer' }, goto({ loop_count: 3 }), goto()],
    [{ id: id(1), type: 'branch', option: { target_ids: { 1: id(1) }, default_target_id: id(1) } }, { type: 'stop' }],
    [{ id: id(1), type: 'webhook_send', option: { uri: 'https://example.com' } }, goto()],
  ]
  for (const actions of endless) t.regex(Object.values(await refused(actions)).join(), /can never end/)
  const { key } = await api().customer()
  const good = [
    [{ id: id(1), type: 'sleep', option: { duration: 5 } }, goto()],
    [set({ id: id(1) }), goto({ loop_count: 3 })],
    [{ id: id(1), type: 'branch', option: { target_ids: { 1: id(1) } } }, { type: 'stop' }],
    [{ id: id(1), type: 'fetch', option: { event_url: 'https://example.com' } }, goto()],
  ]
  for (const actions of good) t.is((await api().post(key, '/v1.0/flows', { actions })).status, 201)
})

test('variables may stand in texts, and not where a number or the id of an action is wanted', async (t) => {
  const { key } = await api().customer()
  const good = [
    { type: 'fetch', option: { event_url: 'https://${host}/${hashdial.call.id}', event_method: 'POST' } },
    { type: 'fetch_flow', option: { flow_id: '${flow}' } },
    { type: 'webhook_send', option: { uri: '${url}', method: '${method}', data: { a: ['${b}'] } } },
    { type: 'variable_set', option: { key: '${a}', value: '${b}' } },
  ]
  t.is((await api().post(key, '/v1.0/flows', { actions: good })).status, 201)
  const problems = await refused([
    { type: 'sleep', option: { duration: '${a}' } },
    { type: 'goto', option: { target_id: '${a}' } },
  ])
  t.deepEqual(Object.keys(problems).sort(), ['actions[0].option.duration', 'actions[1].option.target_id'])
})

test('flows of others do not exist', async (t) => {
  const [mine, theirs] = [await api().customer(), await api().customer()]
  const { body: flow } = await api().post(theirs.key, '/v1.0/flows', { actions: [] })
  const actions = [{ type: 'fetch_flow', option: { flow_id: flow.id } }]
  const { status, body } = await api().post(mine.key, '/v1.0/flows', { actions, on_complete_flow_id: flow.id })
  t.is(status, 400)
  t.deepEqual(
    body.error.details.map(({ field }: { field: string }) => field),
    ['actions[0].option.flow_id', 'on_complete_flow_id'],
  )
  t.is((await api().put(mine.key, `/v1.0/flows/${flow.id}`, { name: 'x' })).status, 404)
  t.is((await api().post(theirs.key, '/v1.0/flows', { actions, on_complete_flow_id: flow.id })).status, 201)
  t.is((await api().delete(theirs.key, `/v1.0/flows/${flow.id}`)).status, 200)
  const { body: left } = await api().get(theirs.key, '/v1.0/flows')
  t.is(left.result[0].on_complete_flow_id, null)
})

test('what is too long or too deep is refused, and is no harm', async (t) => {
  const many = Array.from({ length: 1_001 }, () => ({ type: 'answer' }))
  const { key } = await api().customer()
  t.is((await api().post(key, '/v1.0/flows', { actions: many.slice(1) })).status, 201)
  t.is((await api().post(key, '/v1.0/flows', { actions: many })).status, 400)
  const deep = `{"actions":[{"type":"webhook_send","option":{"uri":"https://x.test","data":${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}}}]}`
  const headers = { 'content-type': 'application/json' }
  const { status, body } = await api().ask(key, 'POST', '/v1.0/flows', { raw: deep, headers })
  t.deepEqual([status, body.error.details[0].field], [400, 'actions[0].option'])
  t.is((await api().post(key, '/v1.0/flows', {})).status, 400)
  t.is((await api().post(key, '/v1.0/flows', { actions: 'answer' })).status, 400)
})
