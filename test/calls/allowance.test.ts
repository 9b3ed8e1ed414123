import test from 'ava'
import { makeFlow } from '../actions/support.ts'
import { activeflow, type ActiveflowView } from '../support/flows.ts'
import { setUp, type Setup } from '../support/setup.ts'
import type { SipClient, SipMessage } from '../support/sip.ts'
import { allEnded, calls, connectTo, dial, limit } from './rights-support.ts'
import { callIdOf, device, hasEnded, incoming, latestCall, sdp } from './support.ts'

/** The flow at whose address a call goes round: it calls the addresses that are made of its own. */
async function loop(setup: Setup, targets: (own: string) => string[]): Promise<string> {
  const { id, direct_uri } = await makeFlow(setup, [{ type: 'stop' }])
  const { status } = await setup.api('PUT', `/flows/${id}`, { actions: connectTo(targets(direct_uri)) })
  if (status !== 200) throw new Error('the flow is refused')
  return direct_uri
}

for (const count of [1, 2]) {
  test(`a flow that calls its own address ${count} times over hears 482, and makes no calls without end`, async (t) => {
    const setup = await setUp(t)
    const uri = await loop(setup, (own) => Array.from({ length: count }, () => own))
    t.is((await dial(setup, uri)).status, 482)
    t.true(await allEnded(setup))
    t.is((await calls(setup)).length, 1)
  })
}

test('two flows that call each other hear 482, and a longer chain 483', async (t) => {
  const setup = await setUp(t)
  const { id, direct_uri: first } = await makeFlow(setup, [{ type: 'stop' }])
  let last = first
  const chain = async (length: number) => {
    for (let n = 0; n < length; n++) last = (await makeFlow(setup, connectTo([last, last]))).direct_uri
    return last
  }
  await setup.api('PUT', `/flows/${id}`, { actions: connectTo([await chain(1)]) })
  t.is((await dial(setup, first)).status, 482)
  t.true(await allEnded(setup))
  t.is((await calls(setup)).length, 2)
  const extension = await setup.extension()
  last = extension.direct_uri
  let long = last
  for (let n = 0; n < 10; n++) long = (await makeFlow(setup, connectTo([long]))).direct_uri
  t.is((await dial(setup, long)).status, 483)
  t.true(await allEnded(setup))
})

test('a call that comes back by a PBX, which knows nothing of hops, ends when the customer has no calls left', async (t) => {
  const setup = await setUp(t)
  await limit(setup, { max_calls: 4 })
  const extension = await setup.extension()
  const pbx = await device(setup, extension)
  const { direct_uri: uri } = await makeFlow(setup, connectTo([`sip:${extension.username}@${extension.domain_name}`]))
  // It answers what its own call is answered.
  const rounds = new Map<string, SipMessage>()
  pbx.socket.on('message', () => forwardBack(pbx, rounds, uri))
  t.is((await dial(setup, uri)).status, 486)
  t.true(await allEnded(setup))
  t.is((await calls(setup)).filter(({ hangup_reason }) => hangup_reason === 'busy').length, 5)
  t.is(rounds.size, 4)
})

function forwardBack(pbx: SipClient, rounds: Map<string, SipMessage>, uri: string): void {
  const message = pbx.received.at(-1)!
  if (message.method === 'INVITE' && !rounds.has(callIdOf(message))) {
    rounds.set(callIdOf(message), message)
    const call = { uri, callId: `back-${callIdOf(message)}`, body: sdp('127.0.0.1', 40010) }
    pbx.send(pbx.compose('INVITE', call))
  } else if (message.status >= 300 && callIdOf(message).startsWith('back-')) {
    pbx.acknowledge(message, { uri })
    pbx.reply(rounds.get(callIdOf(message).slice('back-'.length))!, '486 Busy Here')
  }
}

test('who has as many calls as he may have is busy for callers, and makes no more himself', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const phone = await device(setup, extension)
  const destination = { type: 'extension', target: extension.id }
  await limit(setup, { max_calls: 1 })
  const another = [{ type: 'call', option: { destinations: [destination], actions: [{ type: 'answer' }] } }]
  const { direct_uri } = await makeFlow(setup, [...another, ...connectTo([extension.direct_uri])])
  const answered = dial(setup, direct_uri)
  const refused = ({ executed_actions: [call] }: ActiveflowView) => /1 calls at once, of 1/.test(call?.result ?? '')
  t.truthy(await activeflow(setup, refused))
  t.is((await answered).status, 486, 'its own direct address is a call too')
  await allEnded(setup)

  const held = dial(setup, extension.direct_uri)
  const invite = await incoming(phone)
  t.is((await dial(setup, extension.direct_uri)).status, 486)
  for (const [path, order] of [
    ['/calls', { destination }],
    ['/groupcalls', { destinations: [destination] }],
  ] as const) {
    const { status, body } = await setup.api<{ error: { status: string } }>('POST', path, {
      ...{ ...order, actions: [{ type: 'answer' }] },
    })
    t.is(status, 429)
    t.is(body.error.status, 'RESOURCE_EXHAUSTED')
  }
  await limit(setup, { max_calls: 2 })
  t.is((await setup.api('POST', '/calls', { destination, actions: [{ type: 'answer' }] })).status, 201)
  phone.reply(invite, '486 Busy Here')
  t.is((await held).status, 486)
})

test('a customer begins no more calls in a second than he may, by the API and by his flows', async (t) => {
  const setup = await setUp(t)
  await limit(setup, { calls_per_second: 2 })
  const destination = { type: 'extension', target: (await setup.extension()).id }
  const orders = Array.from({ length: 5 }, () =>
    setup.api('POST', '/calls', { destination, actions: [{ type: 'answer' }] }),
  )
  const statuses = (await Promise.all(orders)).map(({ status }) => status)
  t.deepEqual(statuses.sort(), [201, 201, 429, 429, 429])
  const far = await setup.sip()
  far.socket.on('message', () => {
    const message = far.received.at(-1)!
    if (message.method === 'INVITE') far.reply(message, '404 Not Found')
  })
  const targets = Array.from({ length: 5 }, () => `sip:x@127.0.0.1:${far.port}`)
  const { direct_uri } = await makeFlow(setup, connectTo(targets, { ring_method: 'linear' }))
  await latestCall(setup.api, hasEnded)
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  t.is((await dial(setup, direct_uri)).status, 486)
  t.is(new Set(far.received.filter(({ method }) => method === 'INVITE').map(callIdOf)).size, 2)
})
