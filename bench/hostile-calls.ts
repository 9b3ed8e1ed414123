import { setTimeout as delay } from 'node:timers/promises'
import { header, type SipClient, type SipMessage } from '../test/support/sip.ts'

/** When a phone sends an INVITE again that nobody answers (RFC 3261, timer A), and when it gives up, in milliseconds. */
const resendAfterMs = [500, 1_500, 3_500]
const patienceMs = 8_000
const talkMs = 200

const sdp =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 39998 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n'

export interface GoodCalls {
  made: number
  setUp: number
  /** From INVITE to 200, in milliseconds. */
  medianMs: number
}

/** So many calls a second for so long, each set up, talked on for a moment, and ended. */
export async function makeGoodCalls(client: SipClient, uri: string, rate: number, seconds: number): Promise<GoodCalls> {
  const calls: Promise<number | undefined>[] = []
  const start = performance.now()
  for (let n = 0; n < rate * seconds; n++) {
    await delay(Math.max(0, start + (n * 1_000) / rate - performance.now()))
    calls.push(goodCall(client, uri, n).catch(() => undefined))
  }
  const times = (await Promise.all(calls)).filter((time) => time !== undefined).sort((a, b) => a - b)
  return { made: calls.length, setUp: times.length, medianMs: times[times.length >> 1] ?? Infinity }
}

async function goodCall(client: SipClient, uri: string, n: number): Promise<number> {
  const call = { uri, callId: `good-${n}-${Date.now()}`, tag: `good${n}`, from: `<sip:good${n}@127.0.0.1>`, cseq: 1 }
  const invite = client.compose('INVITE', { ...call, body: sdp })
  const since = client.received.length
  const timers = resendAfterMs.map((ms) => setTimeout(() => client.send(invite), ms))
  const start = performance.now()
  client.send(invite)
  const isAnswer = (message: SipMessage) => message.status > 0 && header(message, 'call-id') === call.callId
  await client
    .message((message) => isAnswer(message), since, patienceMs)
    .finally(() => timers.forEach((timer) => clearTimeout(timer)))
  const answer = await client.message((message) => isAnswer(message) && message.status >= 200, since, patienceMs)
  if (answer.status !== 200) throw new Error(answer.start)
  const took = performance.now() - start
  const routes = (answer.headers.get('record-route') ?? []).flatMap((value) => value.split(/,\s*/)).reverse()
  const contact = /<([^>]+)>/.exec(header(answer, 'contact'))?.[1] ?? ''
  const extra = routes.map((route) => `Route: ${route}`)
  const inside = { ...call, uri: contact, to: header(answer, 'to'), extra }
  client.send(client.compose('ACK', inside))
  await delay(talkMs)
  client.send(client.compose('BYE', { ...inside, cseq: 2 }))
  return took
}
