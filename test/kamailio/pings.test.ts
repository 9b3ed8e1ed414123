import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { header, type SipClient, type SipMessage } from '../support/sip.ts'
import { Edge, incoming } from './edge.ts'

/** The Asterisk that is played answers no OPTIONS until the returned function is called. */
function silence(asterisk: SipClient): () => void {
  const answer = asterisk.socket.listeners('message').at(-1) as (bytes: Buffer) => void
  asterisk.socket.off('message', answer)
  return () => void asterisk.socket.on('message', answer)
}

/** The ping that comes after those of these Call-IDs. */
const nextPing = (asterisk: SipClient, since: number, ...known: readonly SipMessage[]): Promise<SipMessage> =>
  asterisk.message((message) => {
    const isKnown = known.some((ping) => header(ping, 'call-id') === header(message, 'call-id'))
    return message.method === 'OPTIONS' && !isKnown
  }, since)

test('an Asterisk whose answers to two pings are lost goes on to get calls', async (t) => {
  const edge = await Edge.open(t)
  const [{ direct }, caller, { asterisk }] = [await edge.account(), await edge.client(), edge]
  const since = asterisk.received.length
  const speak = silence(asterisk)
  const first = await nextPing(asterisk, since)
  const second = await nextPing(asterisk, since, first)
  const third = await nextPing(asterisk, since, first, second)
  speak()
  asterisk.reply(third, '200 OK')
  caller.send(caller.compose('INVITE', { uri: direct }))
  asterisk.reply(await incoming(asterisk, 'INVITE', since), '486 Busy Here')
  t.is((await caller.message(({ status }) => status >= 200)).status, 486)
})

test('an Asterisk that answers no ping gets no calls until it does; both are logged', async (t) => {
  const edge = await Edge.open(t)
  const [{ direct }, caller, { asterisk }] = [await edge.account(), await edge.client(), edge]
  const speak = silence(asterisk)
  const out = await becomesTrue(15_000, () => edge.kamailio.log.includes(`127.0.0.1:${asterisk.port} gives no answer`))
  t.true(out, edge.kamailio.log)
  t.is((await caller.request('INVITE', { uri: direct })).status, 503)
  t.is((await caller.request('OPTIONS', { uri: direct })).status, 503)
  speak()
  t.true(await becomesTrue(5_000, () => edge.kamailio.log.includes(`127.0.0.1:${asterisk.port} answers again`)))
  t.is((await caller.request('OPTIONS', { uri: direct })).status, 200)
})
