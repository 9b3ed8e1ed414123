import { randomUUID } from 'node:crypto'
import test from 'ava'
import { setUp } from '../support/setup.ts'
import { header } from '../support/sip.ts'
import { device, hasEnded, hearEachOther, incoming, latestCall, leavesNothing, sdp, talking } from './support.ts'

test('a stranger and a device talk at its direct address, and the call is shown with its times', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await talking(t, setup, extension.direct_uri, phone)
  const live = await latestCall(setup.api, ({ status }) => status === 'progressing')
  t.is(live.destination.target, extension.id)
  t.truthy(live.tm_ringing)
  t.truthy(live.tm_progressing)
  t.is(live.tm_hangup, null)

  await stranger.hangup()
  await phone.closed()
  const ended = await latestCall(setup.api, hasEnded)
  t.is(ended.hangup_by, 'remote')
  t.is(ended.hangup_reason, 'normal')
  t.truthy(ended.tm_hangup)
  t.true(await leavesNothing(setup.stack, ended.activeflow_id))
})

test('the caller is released when the device hangs up', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await talking(t, setup, extension.direct_uri, phone)
  await phone.hangup()
  await stranger.closed()
  const ended = await latestCall(setup.api, hasEnded)
  t.is(ended.hangup_by, 'local')
  t.is(ended.hangup_reason, 'normal')
  t.true(await leavesNothing(setup.stack, ended.activeflow_id))
})

test('a call that is hung up by the API ends for both', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await talking(t, setup, extension.direct_uri, phone)
  const live = await latestCall(setup.api, ({ status }) => status === 'progressing')
  t.is((await setup.api('POST', `/calls/${live.id}/hangup`)).status, 200)
  await Promise.all([stranger.closed(), phone.closed()])
  t.is((await setup.api('POST', `/calls/${live.id}/hangup`)).status, 409)
})

test('a call is held and resumed by re-INVITE, and ended by BYE, along the route that was recorded', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const phone = await device(setup, extension)
  const caller = await setup.sip()
  const call = { uri: extension.direct_uri, callId: randomUUID(), tag: 'caller' }
  const media = sdp('127.0.0.1', 40000)
  const final = caller.request('INVITE', { ...call, cseq: 1, body: media })
  phone.reply(await incoming(phone), '200 OK', [], sdp('127.0.0.1', 40002))
  const answer = await final
  t.is(answer.status, 200)
  const uri = /<([^>]+)>/.exec(header(answer, 'contact'))?.[1] ?? ''
  const extra = [...(answer.headers.get('record-route') ?? [])].reverse().map((route) => `Route: ${route}`)
  const dialog = { ...call, uri, extra, to: header(answer, 'to') }
  caller.send(caller.compose('ACK', { ...dialog, cseq: 1 }))
  let cseq = 1
  const change = async (direction: string): Promise<{ status: number; direction: string }> => {
    const inside = { ...dialog, cseq: ++cseq }
    const { status, body } = await caller.request('INVITE', { ...inside, body: `${media}a=${direction}\r\n` })
    caller.send(caller.compose('ACK', inside))
    // The ACK before it was overtaken on its way (RFC 3261, 14.2).
    if (status === 500) return change(direction)
    return { status, direction: /a=(recvonly|inactive|sendonly|sendrecv)/.exec(body)?.[1] ?? 'sendrecv' }
  }
  t.deepEqual(await change('sendonly'), { status: 200, direction: 'recvonly' })
  t.deepEqual(await change('sendrecv'), { status: 200, direction: 'sendrecv' })
  t.is((await caller.request('BYE', { ...dialog, cseq: ++cseq })).status, 200)
  await phone.message(({ method }) => method === 'BYE')
})

test('two phones of one customer talk, called by the extension’s own address with credentials', async (t) => {
  const setup = await setUp(t)
  const [one, other] = [await setup.extension(), await setup.extension()]
  const [caller, callee] = [await setup.phone(one), await setup.phone(other, { transport: 'tcp' })]
  await caller.dial(`sip:${other.username}@${other.domain_name}`)
  await callee.rings()
  await callee.answer()
  await Promise.all([caller.established(), callee.established()])
  await hearEachOther(t, caller, callee)
  await caller.hangup()
  await callee.closed()
})

test('another Asterisk that registers as an extension takes its call', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  await setup.pbx(extension)
  const stranger = await setup.stranger()
  await stranger.dial(extension.direct_uri)
  await stranger.established()
  // It sends back what it hears, so who hears himself has been heard.
  t.true(await stranger.hears(stranger))
  await stranger.hangup()
  await latestCall(setup.api, hasEnded)
})

for (const [answer, reason] of [
  ['486 Busy Here', 'busy'],
  ['480 Temporarily Unavailable', 'noanswer'],
  ['603 Decline', 'busy'],
  ['404 Not Found', 'failed'],
] as const) {
  test(`the device’s ${answer} reaches the caller`, async (t) => {
    const setup = await setUp(t)
    const extension = await setup.extension()
    const phone = await device(setup, extension)
    const caller = await setup.sip()
    const call = { uri: extension.direct_uri, body: sdp('127.0.0.1', 40000) }
    const final = caller.request('INVITE', call)
    const invite = await incoming(phone)
    phone.reply(invite, '180 Ringing')
    await caller.message(({ status }) => status === 180)
    phone.reply(invite, answer)
    t.is((await final).status, Number(answer.slice(0, 3)))
    caller.acknowledge(await final, call)
    const ended = await latestCall(setup.api, hasEnded)
    t.is(ended.hangup_reason, reason)
    t.is(ended.tm_progressing, null)
    t.true(await leavesNothing(setup.stack, ended.activeflow_id))
  })
}

test('early media of the device reaches the caller before the answer', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const phone = await device(setup, extension)
  const caller = await setup.sip()
  const call = { uri: extension.direct_uri, body: sdp('127.0.0.1', 40000) }
  const final = caller.request('INVITE', call)
  const invite = await incoming(phone)
  phone.reply(invite, '183 Session Progress', [], sdp('127.0.0.1', 40002))
  const progress = await caller.message(({ status }) => status === 183)
  t.regex(progress.body, /m=audio \d+ RTP/)
  t.is((await latestCall(setup.api, () => true)).tm_progressing, null)
  phone.reply(invite, '486 Busy Here')
  t.is((await final).status, 486)
  caller.acknowledge(await final, call)
})

test('a caller who gives up stops the ringing', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await setup.stranger()
  await stranger.dial(extension.direct_uri)
  await phone.rings()
  await stranger.hearsRinging()
  await stranger.hangup()
  await phone.closed()
  const ended = await latestCall(setup.api, hasEnded)
  t.is(ended.hangup_by, 'remote')
  t.is(ended.hangup_reason, 'cancel')
  t.is(ended.tm_progressing, null)
  t.true(await leavesNothing(setup.stack, ended.activeflow_id))
})

test('an extension without a device is answered 480', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const caller = await setup.sip()
  const call = { uri: extension.direct_uri, body: sdp('127.0.0.1', 40000) }
  const answer = await caller.request('INVITE', call)
  caller.acknowledge(answer, call)
  t.is(answer.status, 480)
  t.is((await latestCall(setup.api, hasEnded)).hangup_reason, 'noanswer')
})
