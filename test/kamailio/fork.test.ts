import test, { type ExecutionContext } from 'ava'
import { header, type SipClient, type SipMessage } from '../support/sip.ts'
import { Edge, incoming, register, tagOf } from './edge.ts'

/** Answers this INVITE as one of several who have it. */
function answerAs(device: SipClient, invite: SipMessage, tag: string, extra: readonly string[] = []): void {
  const to = `${header(invite, 'to')};tag=${tag}`
  const told = { ...invite, headers: new Map(invite.headers).set('to', [to]) }
  device.reply(told, '200 OK', extra)
}

/** Two answer, the second when the answer of the first has arrived: Kamailio's workers would take them in any order. */
async function answerTwice(edge: Edge, device: SipClient, invite: SipMessage): Promise<void> {
  answerAs(device, invite, 'one')
  await edge.asterisk.message(({ status, headers }) => status === 200 && headers.get('to')![0]!.endsWith('tag=one'))
  answerAs(device, invite, 'two')
}

/** Asterisk (which the test plays) calls a device behind which the call is forked. */
async function forked(t: ExecutionContext): Promise<{ edge: Edge; device: SipClient; invite: SipMessage }> {
  const edge = await Edge.open(t)
  const [account, device] = [await edge.account(), await edge.device()]
  await register(device, account)
  const uri = `sip:${account.username}@${account.domain}`
  const extra = [`Route: <sip:127.0.0.1:${edge.port};lr>`]
  edge.asterisk.send(edge.asterisk.compose('INVITE', { uri, extra, callId: `fork-${account.id}`, cseq: 7, tag: 'pbx' }))
  return { edge, device, invite: await incoming(device, 'INVITE') }
}

const sent = (device: SipClient, method: string, tag: string): Promise<SipMessage> =>
  device.message((message) => message.method === method && tagOf(message, 'to') === tag)

test('of two who answer a forked call the second gets an ACK of its own and a BYE', async (t) => {
  const { edge, device, invite } = await forked(t)
  await answerTwice(edge, device, invite)
  const ack = await sent(device, 'ACK', 'two')
  const bye = await sent(device, 'BYE', 'two')
  t.is(header(ack, 'cseq'), '7 ACK')
  t.is(header(bye, 'cseq'), '8 BYE')
  for (const request of [ack, bye]) {
    t.regex(request.start, new RegExp(` sip:client@127\\.0\\.0\\.1:${device.port} SIP/2\\.0$`))
    t.is(header(request, 'call-id'), header(invite, 'call-id'))
    t.is(tagOf(request, 'from'), 'pbx')
  }
  device.reply(bye, '200 OK')
  // The first is left alone, also when it repeats its answer.
  answerAs(device, invite, 'one')
  await device.request('OPTIONS', { uri: `sip:127.0.0.1:${edge.port}` })
  t.false(device.received.some((message) => message.method !== 'OPTIONS' && tagOf(message, 'to') === 'one'))
})

test('the proxy that forked the call is on the way of both', async (t) => {
  const { edge, device, invite } = await forked(t)
  const told = { ...invite, headers: new Map(invite.headers) }
  const proxy = `<sip:127.0.0.1:${device.port};lr;n=1>`
  told.headers.set('record-route', [`<sip:192.0.2.9;lr>`, proxy, ...(invite.headers.get('record-route') ?? [])])
  await answerTwice(edge, device, told)
  for (const method of ['ACK', 'BYE'])
    t.deepEqual((await sent(device, method, 'two')).headers.get('route'), [proxy, '<sip:192.0.2.9;lr>'])
})
