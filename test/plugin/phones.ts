import { randomBytes } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { contactOf, routes } from '../kamailio/edge.ts'
import { header, SipClient, type Credentials, type SipMessage } from '../support/sip.ts'

const sdp = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n'

/** A phone towards this server; it is gone when the test ends. */
export async function phone(t: ExecutionContext, server: string): Promise<SipClient> {
  const client = await SipClient.open(5060, '127.0.0.1', 0, server)
  t.teardown(() => client.close())
  return client
}

export interface Account extends Partial<Credentials> {
  username: string
  domain: string
}

/** The status of the answer to its REGISTER. */
export async function register(client: SipClient, account: Account, callId = random()): Promise<number> {
  const { username, domain, password = '' } = account
  const who = `<sip:${username}@${domain}>`
  const request = { uri: `sip:${domain}`, from: who, to: who, callId }
  return (await client.authenticated('REGISTER', request, { username, password })).status
}

/**
 * A whole call, which the caller ends. Where a callee is given, it rings and answers there and hears the BYE; else the
 * server itself answers. The status of the INVITE's answer, and 408 where the BYE gets lost.
 */
export async function call(caller: SipClient, from: string, uri: string, callee?: SipClient): Promise<number> {
  const who = { from: `<${from}>`, tag: random(), callId: random() }
  const since = callee?.received.length ?? 0
  const answered = caller.request('INVITE', { ...who, uri, cseq: 1, body: sdp }, 10_000)
  if (callee) answerNext(callee, since, answered)
  const answer = await answered
  if (answer.status !== 200) return answer.status
  const inside = { ...who, uri: contactOf(answer), to: header(answer, 'to'), extra: routes(answer, true) }
  caller.send(caller.compose('ACK', { ...inside, cseq: 1 }))
  if (callee) await callee.message(({ method }) => method === 'ACK', since)
  const ended = caller.request('BYE', { ...inside, cseq: 2 })
  if (callee) callee.reply(await callee.message(({ method }) => method === 'BYE', since), '200 OK')
  return (await ended).status === 200 ? 200 : 408
}

/** Rings and answers the next call; a caller that is refused has no callee. */
function answerNext(callee: SipClient, since: number, refused: Promise<SipMessage>): void {
  const invite = callee.message(({ method }) => method === 'INVITE', since, 10_000)
  void Promise.race([invite, refused]).then((message) => {
    if (message.method !== 'INVITE') return
    callee.reply(message, '180 Ringing')
    callee.reply(message, '200 OK', [], sdp)
  })
  invite.catch(() => undefined)
}

const random = (): string => randomBytes(8).toString('hex')

/** Does it come true, whatever it is? */
export const works = (promise: Promise<unknown>): Promise<boolean> =>
  promise.then(
    () => true,
    () => false,
  )

/** Does a SIP server there answer an OPTIONS? */
export async function answers(address: string): Promise<boolean> {
  const client = await SipClient.open(5060, '127.0.0.1', 0, address)
  const answered = await works(client.request('OPTIONS', { uri: `sip:${address}` }, 500))
  client.close()
  return answered
}
