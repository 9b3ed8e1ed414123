import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { inside } from '../support/caller.ts'
import { setUp, type Setup } from '../support/setup.ts'
import { header, type SipClient, type SipMessage } from '../support/sip.ts'
import { callIdOf, device, sdp, type CallView } from './support.ts'

const rounds = 15
const atOnce = 8

/** Calls, and cancels so long after the device has sent its 200. What the caller was told ends the call for them. */
async function cancelWith(callers: SipClient, phone: SipClient, uri: string, milliseconds: number): Promise<number> {
  const call = { uri, callId: randomUUID() as string, tag: 'caller', branch: `z9hG4bK${randomUUID()}`, cseq: 1 }
  const body = sdp('127.0.0.1', 40000)
  const from = `<sip:${call.callId}@127.0.0.1>`
  callers.send(callers.compose('INVITE', { ...call, from, body }))
  const rung = await phone.message((message) => message.method === 'INVITE' && message.text.includes(call.callId))
  phone.reply(rung, '200 OK', [], sdp('127.0.0.1', 40002))
  if (milliseconds > 0) await sleep(milliseconds)
  callers.send(callers.compose('CANCEL', { ...call, from }))
  const isFinal = (message: SipMessage) =>
    message.status >= 200 && callIdOf(message) === call.callId && header(message, 'cseq') === '1 INVITE'
  const final = await callers.message(isFinal)
  if (final.status >= 300) callers.acknowledge(final, call)
  else {
    const dialog = { ...inside(final, call), from }
    callers.send(callers.compose('ACK', { ...dialog, cseq: 1 }))
    const { start } = await callers.request('BYE', { ...dialog, cseq: 2 })
    if (!start.includes(' 200 ')) throw new Error(`BYE is answered ${start}`)
  }
  return final.status
}

async function living(setup: Setup): Promise<CallView[]> {
  const { body } = await setup.api<{ result: CallView[] }>('GET', '/calls?page_size=100')
  return body.result.filter(({ tm_hangup }) => tm_hangup === null)
}

test('no call outlives a CANCEL that crosses the device’s answer, whatever the caller was told', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const phone = await device(setup, extension)
  const callers = await setup.sip()
  const byes = new Set<string>()
  phone.socket.on('message', () => {
    const request = phone.received.at(-1)!
    if (request.method === 'BYE') byes.add(callIdOf(request))
    if (/^(BYE|CANCEL|OPTIONS)$/.test(request.method)) phone.reply(request, '200 OK')
  })
  const told = new Map<number, number>()
  for (let round = 0; round < rounds; round++) {
    const calls = Array.from({ length: atOnce }, (_, n) => cancelWith(callers, phone, extension.direct_uri, n % 4))
    for (const status of await Promise.all(calls)) told.set(status, (told.get(status) ?? 0) + 1)
    phone.received.length = callers.received.length = 0
  }
  t.log([...told].map(([status, count]) => `${status}: ${count}`).join(', '))
  const ended = await becomesTrue(10_000, async () => (await living(setup)).length === 0)
  t.true(ended, `they live on: ${JSON.stringify(await living(setup))}`)
  t.true(byes.size > 0)
})
