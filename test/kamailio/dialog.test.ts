import test from 'ava'
import { authorize, header, type SipMessage } from '../support/sip.ts'
import { base, contactOf, Edge, incoming, register, routes, tagOf } from './edge.ts'

test('a dialog runs through us both ways: ACK, re-INVITE, INFO, BYE', async (t) => {
  const edge = await Edge.open(t)
  const [account, caller] = [await edge.account(), await edge.client('127.0.0.7')]
  const call = { uri: account.direct, callId: `dialog-${account.id}`, tag: 'caller', contact: '<sip:me@10.9.9.9>' }
  const answered = caller.request('INVITE', { ...call, cseq: 1 })
  const invite = await incoming(edge.asterisk, 'INVITE')
  edge.asterisk.reply(invite, '200 OK')
  const ok = await answered
  const to = `<${account.direct}>;tag=${tagOf(ok, 'to')}`
  const inside = { ...call, uri: contactOf(ok), to, extra: routes(ok, true) }
  caller.send(caller.compose('ACK', { ...inside, cseq: 1 }))
  t.regex((await incoming(edge.asterisk, 'ACK')).start, new RegExp(`@127\\.0\\.0\\.1:${edge.asterisk.port} `))
  for (const method of ['INFO', 'UPDATE']) {
    const done = caller.request(method, { ...inside, cseq: method === 'INFO' ? 2 : 3 })
    edge.asterisk.reply(await incoming(edge.asterisk, method), '200 OK')
    t.is((await done).status, 200)
  }

  // The caller’s Contact is an address of nowhere: it is reached where it sent from.
  const back = { callId: call.callId, tag: tagOf(ok, 'to'), to: header(invite, 'from'), extra: routes(invite, false) }
  const from = `<${account.direct}>`
  const again = edge.asterisk.request('INVITE', { ...back, from, uri: contactOf(invite), cseq: 11 })
  caller.reply(await incoming(caller, 'INVITE'), '200 OK')
  t.is((await again).status, 200)
  const bye = edge.asterisk.request('BYE', { ...back, from, uri: contactOf(invite), cseq: 12 })
  caller.reply(await incoming(caller, 'BYE'), '200 OK')
  t.is((await bye).status, 200)
})

test('CANCEL stops the call, and a retransmitted INVITE makes no second one', async (t) => {
  const edge = await Edge.open(t)
  const [account, caller] = [await edge.account(), await edge.client()]
  const call = { uri: account.direct, callId: `cancel-${account.id}`, tag: 'caller', branch: 'z9hG4bKcancel', cseq: 1 }
  caller.send(caller.compose('INVITE', call))
  const invite = await incoming(edge.asterisk, 'INVITE')
  caller.send(caller.compose('INVITE', call))
  edge.asterisk.reply(invite, '180 Ringing')
  await caller.message(({ status }) => status === 180)
  caller.send(caller.compose('CANCEL', call))
  const cancel = await incoming(edge.asterisk, 'CANCEL')
  edge.asterisk.reply(cancel, '200 OK')
  edge.asterisk.reply(invite, '487 Request Terminated')
  t.is((await caller.message(({ status }) => status === 487)).status, 487)
  t.is(edge.asterisk.received.filter(({ method }) => method === 'INVITE').length, 1)
  t.is((await caller.request('CANCEL', { ...call, branch: 'z9hG4bKother' })).status, 481)
})

test('a made-up dialog makes no relay of us', async (t) => {
  const edge = await Edge.open(t)
  const [attacker, victim] = [await edge.client('127.0.0.66'), await edge.client()]
  const us = `<sip:127.0.0.1:${edge.port};lr;hashdial=1>`
  const target = `sip:x@127.0.0.1:${victim.port}`
  for (const [uri, extra] of [
    [target, [`Route: ${us}`]],
    [`sip:x@127.0.0.1:${edge.asterisk.port}`, [`Route: ${us}, <${target};lr>`]],
    [`sip:x@127.0.0.1:${edge.port};alias=127.0.0.1~${victim.port}~1`, [`Route: ${us}`]],
    [`sip:x@victim.invalid`, [`Route: ${us}`]],
  ] as const) {
    const answer = await attacker.request('BYE', { uri, extra, to: `<${uri}>;tag=made-up` })
    t.is(answer.status, 481, uri)
  }
  t.deepEqual(victim.received, [])
})

test('an AOR is called with credentials of its customer, and only as oneself', async (t) => {
  const edge = await Edge.open(t)
  const [callee, client] = [await edge.account(), await edge.client()]
  const [caller, foreigner] = [await edge.account(callee.customer), await edge.account()]
  const uri = `sip:${callee.username}@${callee.domain}`
  const call = (from: string, who: { username: string; password: string }, to = uri) =>
    client.authenticated('INVITE', { uri: to, from }, who)

  t.is((await client.request('INVITE', { uri })).status, 407)
  t.is((await call(caller.aor, { ...caller, password: 'wrong' })).status, 407)
  t.is((await call(callee.aor, caller)).status, 407)
  t.is((await call(foreigner.aor, foreigner)).status, 407)
  t.is((await call(caller.aor, caller, `sip:nobody@${callee.domain}`)).status, 404)

  const answered = call(caller.aor, caller)
  const invite = await incoming(edge.asterisk, 'INVITE')
  t.is(invite.start, `INVITE sip:extension.${callee.id}@127.0.0.1:${edge.asterisk.port} SIP/2.0`)
  t.is(header(invite, 'proxy-authorization'), '')
  edge.asterisk.reply(invite, '603 Decline')
  t.is((await answered).status, 603)

  const challenge = await client.request('INVITE', { uri, from: caller.aor })
  const extra = [authorize(challenge, 'INVITE', uri, caller)]
  client.send(client.compose('INVITE', { uri, from: caller.aor, extra }))
  edge.asterisk.reply(await incoming(edge.asterisk, 'INVITE', edge.asterisk.received.length), '603 Decline')
  t.is((await client.request('INVITE', { uri, from: caller.aor, extra })).status, 407)
})

test('Asterisk reaches the device, whose answers pass as they are; 480 when nobody is registered', async (t) => {
  const edge = await Edge.open(t)
  const [account, device] = [await edge.account(), await edge.device()]
  const uri = `sip:${account.username}@${account.domain}`
  const extra = [`Route: <sip:127.0.0.1:${edge.port};lr>`]
  const call = () => edge.asterisk.request('INVITE', { uri, extra })
  t.is((await call()).status, 480)
  await register(device, account)
  for (const status of ['486 Busy Here', '480 Not Now', '603 Decline', '404 Who', '500 Broken']) {
    const since = device.received.length
    const answered: Promise<SipMessage> = call()
    const invite = await incoming(device, 'INVITE', since)
    t.is(invite.start, `INVITE sip:client@127.0.0.1:${device.port} SIP/2.0`)
    t.is(header(invite, 'route'), '')
    device.reply(invite, status)
    t.is((await answered).start, `SIP/2.0 ${status}`)
  }
  await edge.rows('UPDATE registrations SET tm_expire = UTC_TIMESTAMP(6) WHERE extension_id = ?', account.id)
  t.is((await call()).status, 480)
  t.is((await edge.asterisk.request('INVITE', { uri: `sip:x@sip.${base}` })).status, 404)
})
