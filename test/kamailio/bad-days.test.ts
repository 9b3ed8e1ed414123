import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { authorize, header } from '../support/sip.ts'
import { base, Edge, incoming, register, registering, registrar } from './edge.ts'

test('what makes no sense is refused with 400 or 404, and nothing is stored', async (t) => {
  const edge = await Edge.open(t)
  const [account, client] = [await edge.account(), await edge.client()]
  const named = (username: string) => ({ ...account, username, aor: `<sip:${username}@${account.domain}>` })
  for (const username of ["u'1", 'u%27', 'u'.repeat(300), 'u;x', 'u%00']) {
    t.is((await register(client, named(username))).status, 400, username)
  }
  const refused = async (options: object, status = 400) =>
    t.is((await register(client, account, options)).status, status, JSON.stringify(options).slice(0, 80))
  await refused({ uri: `sip:x'or'1'='1@registrar.${base}` })
  await refused({ uri: `sip:registrar.elsewhere.test` }, 404)
  await refused({ to: `<sip:${account.username}@x.registrar.${base}>` }, 404)
  await refused({ from: '<sip:someone@elsewhere.test>' }, 403)
  await refused({ contact: '<sip:a@127.0.0.1>, <sip:b@127.0.0.1>' })
  await refused({ contact: '<sip:a@127.0.0.1>', extra: ['Contact: <sip:b@127.0.0.1>'] })
  await refused({ contact: '<tel:+123>' })
  await refused({ contact: `<sip:${'a'.repeat(1500)}@127.0.0.1>` })
  await refused({ callId: 'c'.repeat(300) })
  await refused({ contact: `<sip:a@127.0.0.1>;+sip.instance="<${'i'.repeat(300)}>"` })
  t.is(await edge.registration(account), undefined)
  t.is((await register(client, account, { extra: ["User-Agent: \u00fcber'; DROP TABLE directs; --"] })).status, 200)
  t.regex((await edge.registration(account))!.user_agent, /^\?+ber'; DROP TABLE directs; --$/)
})

test('a request without a header that it must have is refused with 400', async (t) => {
  const edge = await Edge.open(t)
  const [account, client] = [await edge.account(), await edge.client()]
  for (const name of ['From', 'To', 'Call-ID', 'CSeq']) {
    const since = client.received.length
    const whole = client.compose('REGISTER', registering(account))
    client.send(whole.replace(new RegExp(`^${name}: .*\r\n`, 'm'), ''))
    t.is((await client.message(({ status }) => status > 0, since)).status, 400, name)
  }
})

test('credentials for another address, method or user are challenged again', async (t) => {
  const edge = await Edge.open(t)
  const [account, other, client] = [await edge.account(), await edge.account(), await edge.client()]
  const attempt = async (method: string, uri: string, who: typeof account) => {
    const challenge = await client.request('REGISTER', registering(account))
    const extra = [authorize(challenge, method, uri, who)]
    return (await client.request('REGISTER', { ...registering(account), extra })).status
  }
  t.is(await attempt('REGISTER', `sip:registrar.elsewhere.test`, account), 407)
  t.is(await attempt('REGISTER', `sip:x@registrar.${base}`, account), 407)
  t.is(await attempt('INVITE', registrar, account), 407)
  t.is(await attempt('REGISTER', registrar, other), 407)
  t.is(await attempt('REGISTER', `${registrar}:5060;transport=udp`, account), 200)
})

test('a flood from one source is not answered; others are, and nothing is stored for it', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_FLOOD: '100' } })
  const account = await edge.account()
  const [attacker, client] = [await edge.client('127.0.0.66'), await edge.client()]
  for (let n = 0; n < 400; n++) attacker.send(attacker.compose('REGISTER', registering(account)))
  t.is((await register(client, account)).status, 200)
  await sleep(500)
  t.true(attacker.received.length <= 200) // the counter’s 10 s may end between two of them
  t.is((await edge.rows('SELECT * FROM registrations WHERE edge = ?', edge.name)).length, 1)
})

test('without MySQL new calls and registrations get 503, never 404; they work again when it is back', async (t) => {
  const edge = await Edge.open(t)
  const [account, client] = [await edge.account(), await edge.device()]
  await register(client, account)
  edge.wire.cut()
  const call = () => client.request('INVITE', { uri: account.direct })
  for (let n = 0; n < 5; n++) {
    const answer = await call()
    t.is(answer.status, 503)
    t.is(header(answer, 'retry-after'), '5')
    t.is((await client.request('INVITE', { uri: `sip:direct.000000000000@sip.${base}` })).status, 503)
  }
  t.is((await register(client, account)).status, 503)
  t.is((await edge.asterisk.request('INVITE', { uri: `sip:${account.username}@${account.domain}` })).status, 503)
  edge.wire.mend()
  const back = await becomesTrue(10_000, async () => (await register(client, account)).status === 200)
  t.true(back)
  const answered = call()
  edge.asterisk.reply(await incoming(edge.asterisk, 'INVITE'), '603 Decline')
  t.is((await answered).status, 603)
})

test('a MySQL that hangs holds the workers only until it is noticed', async (t) => {
  const edge = await Edge.open(t)
  const [account, client] = [await edge.account(), await edge.client()]
  edge.wire.hang()
  const began = Date.now()
  const quick = await becomesTrue(30_000, async () => {
    const asked = Date.now()
    const { status } = await client.request('INVITE', { uri: account.direct }, 20_000)
    return status === 503 && Date.now() - asked < 200
  })
  t.true(quick)
  t.true(Date.now() - began < 20_000)
  edge.wire.mend()
  t.true(await becomesTrue(15_000, async () => (await register(client, account)).status === 200))
})

test('after a restart of Kamailio a registered device is still called, without registering again', async (t) => {
  const edge = await Edge.open(t)
  const [account, device] = [await edge.account(), await edge.device()]
  await register(device, account)
  await edge.restart()
  edge.asterisk.send(edge.asterisk.compose('INVITE', { uri: `sip:${account.username}@${account.domain}` }))
  t.is((await incoming(device, 'INVITE')).start, `INVITE sip:client@127.0.0.1:${device.port} SIP/2.0`)
  const alive = await becomesTrue(5_000, async () => {
    const [row] = await edge.rows('SELECT tm_seen >= tm_start AS alive FROM edges WHERE name = ?', edge.name)
    return row?.alive === 1
  })
  t.true(alive)
})
