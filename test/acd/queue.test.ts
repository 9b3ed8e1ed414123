import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { hasEnded, hearEachOther, latestCall, leavesNothing } from '../calls/support.ts'
import { setUp } from '../support/setup.ts'
import { loudness, tonesHeard } from '../support/tone.ts'
import { agentIs, agentWithPhone, makeQueue, queuecalls, says, statusesAre, waits, type QueueView } from './support.ts'

test('a caller waits with music until an agent is available, and the two talk', async (t) => {
  const setup = await setUp(t)
  const { agent, phone } = await agentWithPhone(setup, { tone: 830 })
  await says(setup, agent, 'away')
  const queue = await makeQueue(setup, { wrap_up: 1_500 })
  const caller = await waits(setup, queue, { tone: 440 })
  t.true(await becomesTrue(10_000, () => loudness(caller.heard()) > 50))
  await statusesAre(t, setup, queue, ['waiting'])
  await says(setup, agent, 'available')
  await phone.rings()
  await agentIs(t, setup, agent, 'ringing')
  await phone.answer()
  await hearEachOther(t, caller, phone)
  await agentIs(t, setup, agent, 'busy')
  const [call] = await statusesAre(t, setup, queue, ['service'])
  t.is(call!.service_agent_id, agent.id)
  await phone.hangup()
  await caller.closed()
  await agentIs(t, setup, agent, 'busy', 'wrap_up')
  await agentIs(t, setup, agent, 'available')
  const [done] = await statusesAre(t, setup, queue, ['done'])
  t.like(done!, { end_reason: 'serviced', offers: 1 })
  t.true(done!.duration_service > 0 && done!.duration_waiting > 0)
  const { body } = await setup.api<QueueView>('GET', `/queues/${queue.id}`)
  t.like(body, { total_incoming_count: 1, total_serviced_count: 1, total_abandoned_count: 0, wait_queuecall_ids: [] })
  const ended = await latestCall(setup.api, hasEnded)
  t.true(await leavesNothing(setup.stack, ended.activeflow_id))
})

test('callers are offered in the order in which they came, and one with priority before them', async (t) => {
  const setup = await setUp(t)
  const { agent, phone } = await agentWithPhone(setup)
  await says(setup, agent, 'away')
  const queue = await makeQueue(setup)
  const urgent = await setup.api<{ direct_uri: string }>('POST', '/flows', {
    actions: [{ type: 'queue_join', option: { queue_id: queue.id, priority: 5 } }],
  })
  const first = await waits(setup, queue)
  const second = await waits(setup, queue)
  const third = await waits(setup, { ...queue, direct_uri: urgent.body.direct_uri })
  await says(setup, agent, 'available')
  for (const [index, statuses] of [
    ['waiting', 'waiting', 'service'],
    ['service', 'waiting', 'done'],
    ['done', 'service', 'done'],
  ].entries()) {
    await phone.rings()
    await phone.answer()
    await statusesAre(t, setup, queue, statuses)
    await phone.hangup()
    await phone.closed()
    await [third, first, second][index]!.closed()
  }
  await statusesAre(t, setup, queue, ['done', 'done', 'done'])
})

test('an agent who does not answer is passed over for a while, and the caller keeps the place', async (t) => {
  const setup = await setUp(t)
  const queue = await makeQueue(setup, { ring_timeout: 2_000, routing_method: 'linear', max_misses: 2 })
  const one = await agentWithPhone(setup)
  const other = await agentWithPhone(setup)
  const caller = await waits(setup, queue)
  await one.phone.rings()
  await one.phone.closed()
  await other.phone.rings()
  await agentIs(t, setup, one.agent, 'available')
  await other.phone.reject()
  await other.phone.closed()
  const isTwice = async () => (await queuecalls(setup, queue))[0]!.offers >= 3
  t.true(await becomesTrue(15_000, isTwice), 'the first is offered again')
  await one.phone.closed()
  await agentIs(t, setup, one.agent, 'away', 'missed')
  await statusesAre(t, setup, queue, ['waiting'])
  await caller.hangup()
  await statusesAre(t, setup, queue, ['abandoned'])
})

test('a caller who hangs up while an agent is rung stops the ringing, and the agent gets the next', async (t) => {
  const setup = await setUp(t)
  const queue = await makeQueue(setup)
  const { agent, phone } = await agentWithPhone(setup)
  const caller = await waits(setup, queue)
  await phone.rings()
  await caller.hangup()
  await phone.closed()
  const [gone] = await statusesAre(t, setup, queue, ['abandoned'])
  t.is(gone!.end_reason, 'hangup')
  await agentIs(t, setup, agent, 'available')
  const next = await waits(setup, queue)
  await phone.rings()
  await phone.answer()
  await hearEachOther(t, next, phone)
  await next.hangup()
  await phone.closed()
})

test('all agents ring, the first who answers has the caller, and the others are free again', async (t) => {
  const setup = await setUp(t)
  const queue = await makeQueue(setup, { routing_method: 'ring_all' })
  const [one, other] = [await agentWithPhone(setup), await agentWithPhone(setup)]
  const caller = await waits(setup, queue)
  await Promise.all([one.phone.rings(), other.phone.rings()])
  await other.phone.answer()
  await one.phone.closed()
  await hearEachOther(t, caller, other.phone)
  await agentIs(t, setup, other.agent, 'busy')
  await agentIs(t, setup, one.agent, 'available')
  await caller.hangup()
  await agentIs(t, setup, other.agent, 'available')
})

test('who has waited for too long, finds nobody on duty, or too many who wait, gets the flow for that', async (t) => {
  const setup = await setUp(t)
  const say = async (value: string) => {
    const actions = [{ type: 'variable_set', option: { key: 'said', value } }]
    return (await setup.api<{ id: string }>('POST', '/flows', { actions })).body.id
  }
  const { agent } = await agentWithPhone(setup)
  await says(setup, agent, 'away')
  const values = {
    ...{ wait_timeout: 1_000, max_waiting: 1 },
    ...{
      on_timeout_flow_id: await say('late'),
      on_empty_flow_id: await say('empty'),
      on_full_flow_id: await say('full'),
    },
  }
  const queue = await makeQueue(setup, values)
  const first = await waits(setup, queue)
  await first.closed()
  t.is(await said(), 'late')
  await setup.api('PUT', `/queues/${queue.id}`, { wait_timeout: 0 })
  await waits(setup, queue)
  const second = await setup.stranger()
  await second.dial(queue.direct_uri)
  await second.closed()
  t.is(await said(), 'full')
  await setup.api('PUT', `/queues/${queue.id}`, { join_empty: false, max_waiting: 0 })
  await second.dial(queue.direct_uri)
  await second.closed()
  t.is(await said(), 'empty')
  t.is((await setup.api<QueueView>('GET', `/queues/${queue.id}`)).body.total_incoming_count, 2)

  async function said(): Promise<string | undefined> {
    const { activeflow_id } = await latestCall(setup.api, hasEnded)
    let variables: Record<string, string> = {}
    await becomesTrue(10_000, async () => {
      const path = `/activeflows/${activeflow_id}`
      const { body } = await setup.api<{ status: string; variables: Record<string, string> }>('GET', path)
      variables = body.variables
      return body.status === 'ended'
    })
    return variables.said
  }
})

test('who is kicked while they wait, or talk, goes on with their flow', async (t) => {
  const setup = await setUp(t)
  const queue = await makeQueue(setup)
  const { agent, phone } = await agentWithPhone(setup)
  await says(setup, agent, 'away')
  const caller = await waits(setup, queue)
  const [first] = await queuecalls(setup, queue)
  t.is((await setup.api('POST', `/queuecalls/${first!.id}/kick`)).status, 200)
  await caller.closed()
  t.is((await setup.api('POST', `/queuecalls/${first!.id}/kick`)).status, 409)
  await says(setup, agent, 'available')
  await waits(setup, queue)
  await phone.rings()
  await phone.answer()
  const [, second] = await statusesAre(t, setup, queue, ['abandoned', 'service'])
  t.is((await setup.api('POST', `/queuecalls/${second!.id}/kick`)).status, 200)
  await phone.closed()
  const all = await statusesAre(t, setup, queue, ['abandoned', 'done'])
  t.deepEqual(
    all.map(({ end_reason }) => end_reason),
    ['kicked', 'kicked'],
  )
})

test('the wait flow is heard again and again, tells the position, and ends when an agent answers', async (t) => {
  const setup = await setUp(t)
  const actions = [
    { type: 'variable_set', option: { key: 'seen', value: '${seen} ${hashdial.queuecall.position}' } },
    { type: 'talk', option: { text: 'Please wait a moment, we are with you soon.' } },
  ]
  const flow = await setup.api<{ id: string }>('POST', '/flows', { actions })
  const { agent, phone } = await agentWithPhone(setup, { tone: 1330 })
  await says(setup, agent, 'away')
  const queue = await makeQueue(setup, { wait_flow_id: flow.body.id })
  const caller = await waits(setup, queue, { tone: 440 })
  t.true(await becomesTrue(10_000, () => loudness(caller.heard()) > 50))
  await says(setup, agent, 'available')
  await phone.rings()
  await phone.answer()
  await hearEachOther(t, caller, phone)
  t.deepEqual(tonesHeard(caller.heard(), [440, 1330]), [1330])
  await caller.hangup()
  const { activeflow_id } = await latestCall(setup.api, hasEnded)
  const path = `/activeflows/${activeflow_id}`
  const { body } = await setup.api<{ variables: Record<string, string> }>('GET', path)
  t.regex(body.variables.seen ?? '', /^ 1( 1)*$/)
})

test('what an agent says while a caller rings counts when the call is over', async (t) => {
  const setup = await setUp(t)
  const queue = await makeQueue(setup)
  const { agent, phone } = await agentWithPhone(setup)
  const caller = await waits(setup, queue)
  await phone.rings()
  await says(setup, agent, 'away')
  await agentIs(t, setup, agent, 'ringing')
  await phone.answer()
  await agentIs(t, setup, agent, 'busy')
  await caller.hangup()
  await agentIs(t, setup, agent, 'away')
})

type StateView = { agents: { calls: number; talk_time: number }[]; waiting_count: number }

test('only agents with the tags of the queue, and of the caller, are rung', async (t) => {
  const setup = await setUp(t)
  const tag = async (name: string) => (await setup.api<{ id: string }>('POST', '/tags', { name })).body.id
  const [support, german] = [await tag('support'), await tag('german')]
  const queue = await makeQueue(setup, { tag_ids: [support] })
  await agentWithPhone(setup)
  const { phone } = await agentWithPhone(setup, { tags: [support, german] })
  const actions = [{ type: 'queue_join', option: { queue_id: queue.id, skills: [{ tag_id: german }] } }]
  const flow = await setup.api<{ direct_uri: string }>('POST', '/flows', { actions })
  const caller = await waits(setup, { ...queue, direct_uri: flow.body.direct_uri })
  await phone.rings()
  await phone.answer()
  await hearEachOther(t, caller, phone)
  await caller.hangup()
  await statusesAre(t, setup, queue, ['done'])
  const { body } = await setup.api<StateView>('GET', `/queues/${queue.id}/state`)
  t.is(body.agents.length, 1)
  t.is(body.agents[0]!.calls, 1)
  t.true(body.agents[0]!.talk_time > 0)
  t.is(body.waiting_count, 0)
})
