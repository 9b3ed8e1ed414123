import test from 'ava'
import { ring, outcome } from '../actions/support.ts'
import { setUp, type Extension, type Setup } from '../support/setup.ts'
import { device, hasEnded, hearEachOther, incoming, latestCall, leavesNothing, talking } from './support.ts'

interface AgentView {
  id: string
  direct_uri: string
}

const at = (extensions: readonly Extension[]) => extensions.map(({ id }) => ({ type: 'extension', target: id }))

/** An agent with a direct address; without a status it is as it was made. */
async function makeAgent(setup: Setup, values: object, status?: string): Promise<AgentView> {
  const made = await setup.api<AgentView>('POST', '/agents', {
    username: 'jane',
    password: 'a long password',
    ...values,
  })
  if (made.status !== 201) throw new Error(JSON.stringify(made.body))
  const path = `/agents/${made.body.id}`
  if (status) await setup.api('PUT', `${path}/status`, { status })
  return (await setup.api<AgentView>('POST', `${path}/direct-hash-regenerate`)).body
}

const calleeOf = ({ id }: AgentView) => ({ type: 'agent', target: id })

test('a stranger and an agent who is away talk at its direct address', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const agent = await makeAgent(setup, { addresses: at([extension]) }, 'away')
  const stranger = await talking(t, setup, agent.direct_uri, phone)
  const live = await latestCall(setup.api, ({ status }) => status === 'progressing')
  t.like(live.destination, { type: 'agent', target: agent.id, target_name: 'jane' })
  await phone.hangup()
  await stranger.closed()
  const ended = await latestCall(setup.api, hasEnded)
  t.is(ended.hangup_reason, 'normal')
  t.true(await leavesNothing(setup.stack, ended.activeflow_id))
})

test('all phones of an agent ring, and who answers first has the caller', async (t) => {
  const setup = await setUp(t)
  const extensions = [await setup.extension(), await setup.extension()]
  const [one, other] = await Promise.all(extensions.map((extension) => setup.phone(extension)))
  const agent = await makeAgent(setup, { addresses: at(extensions) }, 'available')
  const stranger = await setup.stranger()
  await stranger.dial(agent.direct_uri)
  await Promise.all([one!.rings(), other!.rings(), stranger.hearsRinging()])
  await other!.answer()
  await one!.closed()
  await hearEachOther(t, stranger, other!)
  await stranger.hangup()
  await other!.closed()
  t.true(await leavesNothing(setup.stack, (await latestCall(setup.api, hasEnded)).activeflow_id))
})

test('the phones of a linear agent ring one after another, and the last answer is the caller’s', async (t) => {
  const setup = await setUp(t)
  const extensions = [await setup.extension(), await setup.extension()]
  const [first, second] = [await device(setup, extensions[0]!), await device(setup, extensions[1]!)]
  const agent = await makeAgent(setup, { addresses: at(extensions), ring_method: 'linear' }, 'available')
  const called = ring(setup, agent.direct_uri)
  const invite = await incoming(first)
  t.is(second.received.filter(({ method }) => method === 'INVITE').length, 0)
  first.reply(invite, '480 Temporarily Unavailable')
  second.reply(await incoming(second), '486 Busy Here')
  t.is((await called).status, 486)
})

test('an agent who is offline, or has no address any more, is answered 480, and an old address 404', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const agent = await makeAgent(setup, { addresses: at([extension]) })
  t.is((await ring(setup, agent.direct_uri)).status, 480, 'it is offline')
  t.is((await latestCall(setup.api, hasEnded)).hangup_reason, 'noanswer')
  await setup.api('PUT', `/agents/${agent.id}/status`, { status: 'available' })
  t.is((await ring(setup, agent.direct_uri)).status, 480, 'nobody is registered')
  await setup.api('DELETE', `/extensions/${extension.id}`)
  t.is((await ring(setup, agent.direct_uri)).status, 480, 'the extension is deleted')
  await setup.api('PUT', `/agents/${agent.id}/addresses`, { addresses: [] })
  t.is((await ring(setup, agent.direct_uri)).status, 480, 'there is no address')
  const renewed = await setup.api<AgentView>('POST', `/agents/${agent.id}/direct-hash-regenerate`)
  t.not(renewed.body.direct_uri, agent.direct_uri)
  const caller = await setup.sip()
  t.is((await caller.request('INVITE', { uri: agent.direct_uri })).status, 404)
})

test('a flow connects to an agent of its customer, and to no other', async (t) => {
  const [setup, other] = [await setUp(t), await setUp(t)]
  const extension = await setup.extension()
  const phone = await device(setup, extension)
  const agent = await makeAgent(setup, { addresses: at([extension]) }, 'available')
  const foreign = await makeAgent(other, {}, 'available')
  const connectTo = (agents: AgentView[]) => [
    { type: 'connect', option: { destinations: agents.map(calleeOf), relay_reason: true } },
  ]
  const called = outcome(setup, connectTo([foreign, agent]))
  phone.reply(await incoming(phone), '603 Decline')
  t.is((await called).status, 603)
  t.is((await outcome(setup, connectTo([foreign]))).status, 404)
})

test('POST /calls to an agent rings its phones, and says so when it is offline', async (t) => {
  const setup = await setUp(t)
  const extensions = [await setup.extension(), await setup.extension()]
  const [one, other] = await Promise.all(extensions.map((extension) => setup.phone(extension)))
  const agent = await makeAgent(setup, { addresses: at(extensions) })
  const order = { destination: calleeOf(agent), actions: [{ type: 'sleep', option: { duration: 20_000 } }] }
  const refused = await setup.api<{ error: { reason: string } }>('POST', '/calls', order)
  t.deepEqual([refused.status, refused.body.error.reason], [409, 'AGENT_UNREACHABLE'])
  await setup.api('PUT', `/agents/${agent.id}/status`, { status: 'available' })
  const { status, body } = await setup.api<{ groupcall_id: string }>('POST', '/calls', order)
  t.is(status, 201)
  await Promise.all([one!.rings(), other!.rings()])
  await one!.answer()
  await other!.closed()
  t.is((await setup.api('POST', `/groupcalls/${body.groupcall_id}/hangup`)).status, 200)
  await one!.closed()
})
