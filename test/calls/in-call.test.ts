import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { BareCaller } from '../support/caller.ts'
import { flow } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { header } from '../support/sip.ts'
import { device, incoming, latestCall, sdp } from './support.ts'

test('whatever is asked in a call is answered at once, and the call goes on until its BYE', async (t) => {
  const setup = await setUp(t)
  const uri = await flow(setup, [['answer'], ['echo', { duration: 60_000 }]])
  const caller = await BareCaller.open(t, setup)
  const { headers } = await caller.dial(uri, sdp('127.0.0.1', caller.ports[0]!))
  t.false(headers.get('allow')?.some((allow) => /SUBSCRIBE|NOTIFY|PUBLISH|MESSAGE|REGISTER/.test(allow)))
  // Each method that is listed is answered by Asterisk, the others are refused for it.
  for (const [method, status] of [
    ...([['OPTIONS', 200] as const, ['UPDATE', 200] as const, ['INFO', 200] as const] as const),
    ...(['MESSAGE', 'NOTIFY', 'PUBLISH', 'FOO'] as const).map((name) => [name, 405] as const),
    ...([['SUBSCRIBE', 489] as const, ['PRACK', 481] as const, ['REFER', 403] as const] as const),
  ])
    t.is((await caller.request(method, { extra: ['Event: refer', 'Refer-To: <sip:x@example.com>'] })).status, status)
  t.is((await caller.request('INFO', { type: 'text/plain', body: 'hello' })).status, 415)
  t.is((await caller.request('INFO', { type: 'text/plain' })).status, 415)
  t.is((await caller.request('INFO', { type: 'application/dtmf-relay' })).status, 400)
  t.is((await caller.request('INFO', { type: 'application/hook-flash' })).status, 200)
  t.is((await caller.info('5')).status, 200)
  const heard = await becomesTrue(3_000, () => {
    caller.sound(0)
    return Promise.resolve(caller.heard[0]! > 5)
  })
  t.true(heard)
  const own = `Route: <sip:127.0.0.1:${setup.stack.ports.sip};lr>`
  t.is((await caller.request('BYE', { first: own })).status, 200)
  await latestCall(setup.api, ({ tm_hangup }) => tm_hangup !== null)
})

test('a reliable response waits for its own PRACK', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const phone = await device(setup, extension)
  const caller = await setup.sip()
  const call = { uri: extension.direct_uri, callId: `prack-${extension.id}`, tag: 'caller', cseq: 1 }
  caller.send(caller.compose('INVITE', { ...call, extra: ['Require: 100rel'], body: sdp('127.0.0.1', 40000) }))
  phone.reply(await incoming(phone), '183 Session Progress', [], sdp('127.0.0.1', 40002))
  const progress = await caller.message((message) => header(message, 'rseq') !== '')
  const uri = /<([^>]+)>/.exec(header(progress, 'contact'))?.[1] ?? ''
  const routes = [...(progress.headers.get('record-route') ?? [])].reverse().map((route) => `Route: ${route}`)
  const prack = (cseq: number, rseq: number) =>
    caller.request('PRACK', {
      ...{ callId: call.callId, tag: call.tag, uri, cseq, to: header(progress, 'to') },
      extra: [...routes, `RAck: ${rseq} 1 INVITE`],
    })
  const rseq = Number(header(progress, 'rseq'))
  t.is((await prack(2, rseq + 1)).status, 481)
  t.is((await prack(3, rseq)).status, 200)
})

test('of two phones that answer one call the second is released, and the first is talked to', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const phone = await device(setup, extension)
  const caller = await BareCaller.open(t, setup)
  const called = caller.dial(extension.direct_uri, sdp('127.0.0.1', caller.ports[0]!))
  const invite = await incoming(phone)
  const answer = (tag: string) => {
    const told = { ...invite, headers: new Map(invite.headers).set('to', [`${header(invite, 'to')};tag=${tag}`]) }
    phone.reply(told, '200 OK', [], sdp('127.0.0.1', 40002))
  }
  // one after the other: Kamailio's workers would take two at once in any order
  answer('one')
  t.is((await called).status, 200)
  answer('two')
  const to = (method: string, tag: string) =>
    phone.message((message) => message.method === method && header(message, 'to').endsWith(`;tag=${tag}`))
  await Promise.all([to('ACK', 'one'), to('ACK', 'two')])
  phone.reply(await to('BYE', 'two'), '200 OK')
  await latestCall(setup.api, ({ status }) => status === 'progressing')
  t.false(phone.received.some(({ method, headers }) => method === 'BYE' && headers.get('to')![0]!.endsWith('one')))
  await caller.bye()
  phone.reply(await to('BYE', 'one'), '200 OK')
  await latestCall(setup.api, ({ tm_hangup }) => tm_hangup !== null)
})
