import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { hasEnded, hearEachOther, latestCall, leavesNothing } from '../calls/support.ts'
import { setUp } from '../support/setup.ts'
import { loudness } from '../support/tone.ts'
import { agentIs, agentWithPhone, makeQueue, says, statusesAre, waits } from './support.ts'

test('two agents who answer in the same instant: one has the caller, the other is free', async (t) => {
  const setup = await setUp(t)
  const queue = await makeQueue(setup, { routing_method: 'ring_all' })
  const both = [await agentWithPhone(setup), await agentWithPhone(setup)] as const
  const caller = await waits(setup, queue)
  await Promise.all(both.map(({ phone }) => phone.rings()))
  // Whose device was told first that the other has the caller has no call to answer any more.
  const answered = await Promise.allSettled(both.map(({ phone }) => phone.answer()))
  t.true(answered.some(({ status }) => status === 'fulfilled'))
  const [{ service_agent_id: served }] = (await statusesAre(t, setup, queue, ['service'])) as unknown as [
    { service_agent_id: string },
  ]
  const [winner, other] = both[0].agent.id === served ? both : [both[1], both[0]]
  await agentIs(t, setup, winner.agent, 'busy')
  await agentIs(t, setup, other.agent, 'available')
  t.true(await caller.hears(winner.phone))
  await caller.hangup()
  await agentIs(t, setup, winner.agent, 'available')
})

test('an agent who answers as the caller hangs up is free again, and nothing is left', async (t) => {
  const setup = await setUp(t)
  const queue = await makeQueue(setup)
  const { agent, phone } = await agentWithPhone(setup)
  for (let round = 0; round < 5; round++) {
    const caller = await waits(setup, queue)
    await phone.rings()
    // Where the hangup wins there is no call to answer any more.
    await Promise.all([phone.answer().catch(() => undefined), caller.hangup()])
    await phone.closed()
    await agentIs(t, setup, agent, 'available')
  }
  const { body } = await setup.api<{ result: { status: string }[] }>('GET', `/queuecalls?queue_id=${queue.id}`)
  t.true(body.result.every(({ status }) => ['done', 'abandoned'].includes(status)))
  const { activeflow_id } = await latestCall(setup.api, hasEnded)
  t.true(await leavesNothing(setup.stack, activeflow_id))
})

test('when the last agent goes those who wait are sent on, where the queue says so', async (t) => {
  const setup = await setUp(t)
  const queue = await makeQueue(setup, { leave_when_empty: true })
  const { agent, phone } = await agentWithPhone(setup)
  const talking = await waits(setup, queue)
  await phone.rings()
  await phone.answer()
  const waiting = [await waits(setup, queue), await waits(setup, queue)]
  await says(setup, agent, 'away')
  await statusesAre(t, setup, queue, ['service', 'waiting', 'waiting'])
  await talking.hangup()
  await Promise.all(waiting.map((caller) => caller.closed()))
  const all = await statusesAre(t, setup, queue, ['done', 'abandoned', 'abandoned'])
  t.deepEqual(
    all.map(({ end_reason }) => end_reason),
    ['serviced', 'empty', 'empty'],
  )
})

test('who waits in a queue that is deleted goes on, and so does the talk of another', async (t) => {
  const setup = await setUp(t)
  const queue = await makeQueue(setup)
  const { agent, phone } = await agentWithPhone(setup)
  const talking = await waits(setup, queue)
  await phone.rings()
  await phone.answer()
  const waiting = await waits(setup, queue)
  t.is((await setup.api('DELETE', `/queues/${queue.id}`)).status, 200)
  await waiting.closed()
  t.true(await talking.hears(phone))
  await phone.hangup()
  await agentIs(t, setup, agent, 'available')
})

test('an agent who is deleted while it is rung, or talks, takes nothing along', async (t) => {
  const setup = await setUp(t)
  const queue = await makeQueue(setup, { ring_timeout: 2_000 })
  const one = await agentWithPhone(setup)
  const caller = await waits(setup, queue)
  await one.phone.rings()
  t.is((await setup.api('DELETE', `/agents/${one.agent.id}`)).status, 200)
  await one.phone.closed()
  await statusesAre(t, setup, queue, ['waiting'])
  const other = await agentWithPhone(setup)
  await other.phone.rings()
  await other.phone.answer()
  t.true(await caller.hears(other.phone))
  t.is((await setup.api('DELETE', `/agents/${other.agent.id}`)).status, 200)
  await caller.hangup()
  await statusesAre(t, setup, queue, ['done'])
})

test('a wait flow that is over at once, cannot be done, or hangs up spins and harms nothing', async (t) => {
  const setup = await setUp(t)
  for (const actions of [
    [{ type: 'variable_set', option: { key: 'a', value: 'b' } }],
    [{ type: 'play', option: { stream_urls: ['sound:there-is-none'] } }],
    [{ type: 'stop' }],
  ]) {
    const flow = await setup.api<{ id: string }>('POST', '/flows', { actions })
    const queue = await makeQueue(setup, { wait_flow_id: flow.body.id, wait_timeout: 2_500 })
    const caller = await waits(setup, queue)
    await caller.closed()
    await statusesAre(t, setup, queue, ['abandoned'])
  }
  const flow = await setup.api<{ id: string }>('POST', '/flows', { actions: [{ type: 'hangup' }] })
  const queue = await makeQueue(setup, { wait_flow_id: flow.body.id })
  const caller = await setup.stranger()
  await caller.dial(queue.direct_uri)
  await caller.closed()
  await statusesAre(t, setup, queue, ['abandoned'])
})

test('a caller may wait in one queue after another, and a stop of the activeflow ends it all', async (t) => {
  const setup = await setUp(t)
  const [first, second] = [await makeQueue(setup, { wait_timeout: 1_000 }), await makeQueue(setup)]
  const actions = [first, second].map(({ id }) => ({ type: 'queue_join', option: { queue_id: id } }))
  const flow = await setup.api<{ direct_uri: string }>('POST', '/flows', { actions })
  const caller = await setup.stranger()
  await caller.dial(flow.body.direct_uri)
  await statusesAre(t, setup, second, ['waiting'])
  await statusesAre(t, setup, first, ['abandoned'])
  const { activeflow_id } = await latestCall(setup.api, ({ status }) => status === 'progressing')
  t.is((await setup.api('POST', `/activeflows/${activeflow_id}/stop`)).status, 200)
  await caller.closed()
  await statusesAre(t, setup, second, ['abandoned'])
  t.true(await becomesTrue(10_000, () => leavesNothing(setup.stack, activeflow_id)))
})

test('a long announcement ends in its middle when an agent answers', async (t) => {
  const setup = await setUp(t)
  const actions = [{ type: 'talk', option: { text: 'All of our people talk with somebody. '.repeat(40) } }]
  const flow = await setup.api<{ id: string }>('POST', '/flows', { actions })
  const { agent, phone } = await agentWithPhone(setup, { tone: 1330 })
  await says(setup, agent, 'away')
  const caller = await waits(setup, await makeQueue(setup, { wait_flow_id: flow.body.id }), { tone: 440 })
  t.true(await becomesTrue(10_000, () => loudness(caller.heard()) > 50))
  await says(setup, agent, 'available')
  await phone.rings()
  await phone.answer()
  await hearEachOther(t, caller, phone)
})
