import test, { type ExecutionContext } from 'ava'
import { inside } from '../support/caller.ts'
import { header, type RequestOptions, type SipClient, type SipMessage } from '../support/sip.ts'
import { base, contactOf, Edge, incoming, register, routes, tagOf } from './edge.ts'

const methods = 'INVITE, ACK, CANCEL, BYE, UPDATE, INFO, PRACK, OPTIONS, REFER'
const boast =
  'Allow: OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, MESSAGE, REFER'

interface InCall {
  edge: Edge
  caller: SipClient
  ok: SipMessage
  invite: SipMessage
  dialog: RequestOptions
}

/** A call that the Asterisk (which the test plays) has answered. */
async function inCall(t: ExecutionContext): Promise<InCall> {
  const edge = await Edge.open(t)
  const [account, caller] = [await edge.account(), await edge.client('127.0.0.7')]
  const call = { callId: `in-call-${account.id}`, tag: 'caller' }
  const answered = caller.request('INVITE', { ...call, uri: account.direct, cseq: 1 })
  const invite = await incoming(edge.asterisk, 'INVITE')
  edge.asterisk.reply(invite, '200 OK', [boast, 'Allow-Events: refer, presence'])
  const ok = await answered
  const dialog = inside(ok, call)
  caller.send(caller.compose('ACK', { ...dialog, cseq: 1 }))
  await incoming(edge.asterisk, 'ACK')
  return { edge, caller, ok, invite, dialog }
}

test('the route of this proxy may be named before the one that was recorded', async (t) => {
  const { edge, caller, dialog } = await inCall(t)
  const [recorded = ''] = (dialog.extra ?? []).map((line) => line.slice('Route: '.length))
  const own = `<sip:127.0.0.1:${edge.port};lr>`
  const named = `<sip:sip.${base};lr>`
  for (const [cseq, extra] of [
    [`Route: ${own}`, `Route: ${recorded}`],
    [`Route: ${own}, ${recorded}`],
    [`Route: ${named}`, `Route: ${own}`, `Route: ${recorded}`],
    [`Route: <sip:registrar.${base}:${edge.port};lr>,${own},${recorded}`],
    [`route: ${own},`, ` ${recorded}`],
  ].entries()) {
    const since = edge.asterisk.received.length
    const answered = caller.request('INFO', {
      ...dialog,
      extra: extra.join('\r\n').split('\n').length ? extra : [],
      cseq: cseq + 2,
    })
    const info = await incoming(edge.asterisk, 'INFO', since)
    t.is(header(info, 'route'), '', extra.join(' | '))
    edge.asterisk.reply(info, '200 OK')
    t.is((await answered).status, 200)
  }
  // Somebody else's in front of it leads nowhere.
  const far = { ...dialog, extra: [`Route: <sip:192.0.2.1;lr>`, `Route: ${recorded}`], cseq: 20 }
  t.is((await caller.request('BYE', far)).status, 481)
})

test('what Asterisk does not know in a call is answered, and the call lives', async (t) => {
  const { edge, caller, dialog } = await inCall(t)
  let cseq = 1
  const since = edge.asterisk.received.length
  const ask = (method: string, more: Partial<RequestOptions> = {}) =>
    caller.request(method, {
      ...dialog,
      ...more,
      cseq: ++cseq,
      extra: [...(dialog.extra ?? []), ...(more.extra ?? [])],
    })
  for (const method of ['MESSAGE', 'NOTIFY', 'PUBLISH', 'REGISTER', 'FOO', 'invite']) {
    const answer = await ask(method, { extra: ['Refer-To: <sip:a@example.com>', 'Event: refer'] })
    t.is(answer.status, 405, method)
    t.is(header(answer, 'allow'), methods)
  }
  t.is((await ask('REFER')).status, 400)
  t.is((await ask('REFER', { extra: ['Refer-To: <sip:a@example.com>'] })).status, 403)
  t.is((await ask('SUBSCRIBE', { extra: ['Event: dialog'] })).status, 489)
  for (const type of [
    'text/plain',
    'application/sdp',
    'application/media_control+xml',
    'x',
    'application/dtmf-relays',
  ]) {
    for (const body of ['Signal=5\r\n', '']) {
      const answer = await ask('INFO', { type, body })
      t.is(answer.status, 415, type)
      t.regex(header(answer, 'accept'), /^application\/dtmf-relay/)
    }
  }
  const packaged = await ask('INFO', { extra: ['Info-Package: foo'], type: 'application/dtmf-relay', body: 'Signal=5' })
  t.is(packaged.status, 469)
  t.true(packaged.headers.has('recv-info'))
  t.is((await ask('PRACK', { extra: ['RAck: 1 1 INVITE'] })).status, 481)
  t.is((await ask('PRACK')).status, 481)
  t.deepEqual(
    edge.asterisk.received
      .slice(since)
      .map(({ method }) => method)
      .filter((method) => method !== 'OPTIONS'),
    [],
  )
  const bye = ask('BYE')
  edge.asterisk.reply(await incoming(edge.asterisk, 'BYE'), '200 OK')
  t.is((await bye).status, 200)
})

test('a key by INFO reaches Asterisk in one form, and what is no key is 400', async (t) => {
  const { edge, caller, dialog } = await inCall(t)
  let cseq = 1
  for (const [type, body, key] of [
    ['application/dtmf-relay', 'Signal= 5\r\nDuration= 160\r\n', '5'],
    ['Application/DTMF-Relay;charset=utf-8', 'Duration=9\r\nsignal=#', '#'],
    ['application/dtmf-relay', 'Signal=10\nDuration=100000\n', '10'],
    ['application/dtmf', '*', '*'],
    ['application/dtmf', ' 9 \r\n', '9'],
  ] as const) {
    const since = edge.asterisk.received.length
    const answered = caller.request('INFO', { ...dialog, type, body, cseq: ++cseq })
    const info = await incoming(edge.asterisk, 'INFO', since)
    t.is(info.body, `Signal=${key}\r\nDuration=37\r\n`)
    t.is(header(info, 'content-type'), 'application/dtmf-relay')
    edge.asterisk.reply(info, '200 OK')
    t.is((await answered).status, 200)
  }
  for (const body of [
    'Signal=x',
    'Signal=17',
    'Signal=',
    'Duration=5',
    '5',
    'Signal=5'.padEnd(300, '\r\n'),
    'Signal=5$(x)',
    '\0',
  ]) {
    const since = edge.asterisk.received.length
    t.is(
      (await caller.request('INFO', { ...dialog, type: 'application/dtmf-relay', body, cseq: ++cseq })).status,
      400,
      body,
    )
    t.false(edge.asterisk.received.slice(since).some(({ method }) => method === 'INFO'))
  }
})

test('both sides are told the methods that work, and nothing that does not', async (t) => {
  const { edge, ok, invite, dialog, caller } = await inCall(t)
  t.is(header(ok, 'allow'), methods)
  t.false(ok.headers.has('allow-events'))
  const [account, device] = [await edge.account(), await edge.device()]
  await register(device, account)
  const uri = `sip:${account.username}@${account.domain}`
  const ringing = edge.asterisk.request('INVITE', { uri, extra: [`Route: <sip:127.0.0.1:${edge.port};lr>`, boast] })
  const offered = await incoming(device, 'INVITE')
  t.deepEqual(offered.headers.get('allow'), [methods])
  device.reply(offered, '486 Busy', ['Allow: INVITE, ACK, REFER'])
  t.is(header(await ringing, 'allow'), 'INVITE, ACK, REFER')
  // What a device says of itself stays, also in a call.
  const said = caller.request('UPDATE', {
    ...dialog,
    cseq: 9,
    extra: [...(dialog.extra ?? []), 'Allow: INVITE, ACK, BYE'],
  })
  const update = await incoming(edge.asterisk, 'UPDATE')
  t.is(header(update, 'allow'), 'INVITE, ACK, BYE')
  edge.asterisk.reply(update, '200 OK', [boast])
  t.is(header(await said, 'allow'), methods)
  const back = { callId: header(invite, 'call-id'), to: header(invite, 'from'), tag: tagOf(ok, 'to'), cseq: 30 }
  const again = edge.asterisk.request('UPDATE', {
    ...back,
    uri: contactOf(invite),
    extra: [...routes(invite, false), boast],
  })
  const asked = await incoming(caller, 'UPDATE')
  t.is(header(asked, 'allow'), methods)
  caller.reply(asked, '200 OK')
  t.is((await again).status, 200)
})

test('Replaces that matches nothing is 481', async (t) => {
  const edge = await Edge.open(t)
  const [account, caller] = [await edge.account(), await edge.client()]
  const extra = ['Replaces: nothing@nowhere;to-tag=1;from-tag=2']
  t.is((await caller.request('INVITE', { uri: account.direct, extra })).status, 481)
  t.is((await caller.request('INVITE', { uri: account.direct, extra: [...extra, 'Require: replaces'] })).status, 481)
})

test('a PRACK passes once, and only for a response that was sent', async (t) => {
  const edge = await Edge.open(t)
  const [account, caller] = [await edge.account(), await edge.client()]
  const call = { callId: `prack-${account.id}`, tag: 'caller' }
  caller.send(caller.compose('INVITE', { ...call, uri: account.direct, cseq: 1, extra: ['Supported: 100rel'] }))
  const invite = await incoming(edge.asterisk, 'INVITE')
  edge.asterisk.reply(invite, '183 Session Progress', ['Require: 100rel', 'RSeq: 4711'])
  const progress = await caller.message(({ status }) => status === 183)
  const dialog = inside(progress, call)
  const prack = (cseq: number, rack: string) =>
    caller.request('PRACK', { ...dialog, cseq, extra: [...(dialog.extra ?? []), `RAck: ${rack}`] })
  for (const [n, wrong] of ['4712 1 INVITE', '4711 2 INVITE', '4711 1 UPDATE', 'nonsense', ''].entries())
    t.is((await prack(n + 2, wrong)).status, 481, wrong)
  const right = prack(10, '4711  1 INVITE')
  edge.asterisk.reply(await incoming(edge.asterisk, 'PRACK'), '200 OK')
  t.is((await right).status, 200)
  t.is((await prack(11, '4711 1 INVITE')).status, 481)
})

test('what a request in a call requires must be known, as in a new one', async (t) => {
  const { edge, caller, dialog } = await inCall(t)
  const ask = (cseq: number, line: string) =>
    caller.request('INVITE', { ...dialog, extra: [...(dialog.extra ?? []), line], cseq })
  for (const [index, line] of ['Require: foo', 'Require: timer, foo', 'Proxy-Require: foo'].entries()) {
    const answer = await ask(index + 2, line)
    t.is(answer.status, 420, line)
    t.is(header(answer, 'unsupported'), line.slice(line.indexOf(':') + 2))
  }
  const since = edge.asterisk.received.length
  const answered = ask(5, 'Require: timer')
  edge.asterisk.reply(await incoming(edge.asterisk, 'INVITE', since), '200 OK')
  t.is((await answered).status, 200)
})
