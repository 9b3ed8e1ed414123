import { createHash } from 'node:crypto'
import test from 'ava'
import { authorize, header, type SipMessage } from '../support/sip.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { Edge, register, registering, registrar, visible, base } from './edge.ts'

test('a REGISTER is challenged with 407, realm, MD5, qop and a fresh nonce', async (t) => {
  const edge = await Edge.open(t)
  const [account, client] = [await edge.account(), await edge.client()]
  const [one, other] = [0, 1].map(() => client.request('REGISTER', registering(account)))
  const challenge = header(await one!, 'proxy-authenticate')
  t.is((await one!).status, 407)
  t.regex(challenge, new RegExp(`^Digest realm="${base}", nonce="[^"]{40,}", algorithm=MD5, qop="auth"$`))
  t.not(challenge, header(await other!, 'proxy-authenticate'))
})

test('HASHDIAL_CHALLENGE=401 makes it a registrar’s challenge', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_CHALLENGE: '401' } })
  const [account, client] = [await edge.account(), await edge.client()]
  const challenge = await client.request('REGISTER', registering(account))
  t.is(challenge.status, 401)
  t.regex(header(challenge, 'www-authenticate'), /^Digest realm=/)
  t.is((await register(client, account)).status, 200)
})

test('a device registers with a digest in either header, at either address, beside credentials for another realm', async (t) => {
  const edge = await Edge.open(t)
  const [account, client] = [await edge.account(), await edge.client()]
  const answer = await register(client, account, { contact: `<sip:me@127.0.0.1:${client.port}>;expires=120` })
  t.is(answer.status, 200)
  t.is(header(answer, 'contact'), `<sip:me@127.0.0.1:${client.port}>;expires=120`)
  t.like(await edge.registration(account), {
    ...{ contact: `sip:me@127.0.0.1:${client.port}`, received: `sip:127.0.0.1:${client.port};transport=udp` },
    ...{ source_address: '127.0.0.1', transport: 'udp', edge: edge.name, socket: `udp:127.0.0.1:${edge.port}` },
  })
  t.is((await register(client, account, { uri: `sip:${account.domain}` })).status, 200)

  const registration = { ...registering(account), callId: `other-header-${account.id}` }
  const challenge = await client.request('REGISTER', registration)
  const line = authorize(challenge, 'REGISTER', registrar, account).replace('Proxy-Authorization', 'Authorization')
  const foreign = 'Proxy-Authorization: Digest username="x", realm="elsewhere", nonce="1", uri="sip:x", response="2"'
  t.is((await client.request('REGISTER', { ...registration, extra: [foreign, line] })).status, 200)
})

test('a device that knows no qop registers too', async (t) => {
  const edge = await Edge.open(t)
  const [account, client] = [await edge.account(), await edge.client()]
  const challenge = await client.request('REGISTER', registering(account))
  const nonce = /nonce="([^"]+)"/.exec(header(challenge, 'proxy-authenticate'))![1]!
  const md5 = (text: string) => createHash('md5').update(text).digest('hex')
  const ha1 = md5(`${account.username}:${base}:${account.password}`)
  const response = md5(`${ha1}:${nonce}:${md5(`REGISTER:${registrar}`)}`)
  const fields = { username: account.username, realm: base, nonce, uri: registrar, response }
  const text = Object.entries(fields).map(([name, value]) => `${name}="${value}"`)
  const extra = [`Authorization: Digest ${text.join(', ')}`]
  t.is((await client.request('REGISTER', { ...registering(account), extra })).status, 200)
})

test('an unknown extension and a wrong password get the same answer; the failure is recorded', async (t) => {
  const edge = await Edge.open(t)
  const [account, client] = [await edge.account(), await edge.client()]
  const wrong = await register(client, { ...account, password: 'wrong' })
  const username = 'nobody'
  const unknown = await register(client, { ...account, username, aor: `<sip:${username}@${account.domain}>` })
  const withoutNonce = (text: string) => text.replace(/nonce="[^"]+"/, '')
  t.is(wrong.status, 407)
  t.is(withoutNonce(visible(wrong)), withoutNonce(visible(unknown)))
  t.is(await edge.registration(account), undefined)
  const recorded = await becomesTrue(3_000, async () => {
    const [row] = await edge.rows('SELECT * FROM registration_failures WHERE extension_id = ?', account.id)
    return row?.reason === 'wrong_password' && row.count === 1 && row.source_address === '127.0.0.1'
  })
  t.true(recorded)
  const counted = await becomesTrue(3_000, async () => {
    const [row] = await edge.rows('SELECT auth_failures FROM edges WHERE name = ?', edge.name)
    return row?.auth_failures === 2
  })
  t.true(counted)
})

test('a nonce serves once, and a retransmission gets the same 200', async (t) => {
  const edge = await Edge.open(t)
  const [account, client] = [await edge.account(), await edge.client()]
  const call = { ...registering(account), callId: `once-${account.id}`, tag: 'a' }
  const challenge = await client.request('REGISTER', call)
  const extra = [authorize(challenge, 'REGISTER', registrar, account)]
  const request = { ...call, extra, cseq: 2_000_000_000, branch: 'z9hG4bKonce' }
  const answer = await client.request('REGISTER', request)
  t.is(answer.status, 200)
  t.is((await client.request('REGISTER', request)).status, 200)
  const replayed = await client.request('REGISTER', { ...request, branch: 'z9hG4bKtwice', cseq: 2_000_000_001 })
  t.is(replayed.status, 407)
  t.regex(header(replayed, 'proxy-authenticate'), /, stale=true$/)
  t.is((await edge.registration(account))?.cseq, 2_000_000_000)
})

test('a nonce is of no use to another source, nor when it is old', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_NONCE_SECONDS: '1' } })
  const [account, client, thief] = [await edge.account(), await edge.client(), await edge.client('127.0.0.66')]
  const challenge = await client.request('REGISTER', registering(account))
  const request = { ...registering(account), extra: [authorize(challenge, 'REGISTER', registrar, account)] }
  const stolen = await thief.request('REGISTER', request)
  t.is(stolen.status, 407)
  t.regex(header(stolen, 'proxy-authenticate'), /, stale=true$/)
  const second = /nonce="(\d+)-/.exec(header(challenge, 'proxy-authenticate'))![1]!
  await becomesTrue(5_000, async () => Date.now() / 1000 > Number(second) + 2.1)
  const old = await client.request('REGISTER', request)
  t.is(old.status, 407)
  t.regex(header(old, 'proxy-authenticate'), /, stale=true$/)
  t.is(await edge.registration(account), undefined)
})

test('Expires is granted between 60 and 7200, 3600 when nothing is asked', async (t) => {
  const edge = await Edge.open(t)
  const [account, client] = [await edge.account(), await edge.client()]
  const granted = async (extra: string[]) => {
    const answer = await register(client, account, { extra, callId: `expires-${account.id}` })
    return answer.status === 200 ? /expires=(\d+)/.exec(header(answer, 'contact'))?.[1] : answer.start
  }
  t.is(await granted([]), '3600')
  t.is(await granted(['Expires: 60']), '60')
  t.is(await granted(['Expires: 7201']), '7200')
  t.is(await granted(['Expires: 4294967296']), '7200')
  t.is(await granted(['Expires: 59']), 'SIP/2.0 423 Interval Too Brief')
  t.is(header(await register(client, account, { extra: ['Expires: 1'] }), 'min-expires'), '60')
})

test('Expires 0 and Contact * remove the registration; a REGISTER without Contact shows it', async (t) => {
  const edge = await Edge.open(t)
  const [account, client] = [await edge.account(), await edge.client()]
  const contact = `<sip:me@127.0.0.1:${client.port}>`
  await register(client, account, { contact })
  const shown = await register(client, account, { contact: '', extra: [] })
  t.regex(header(shown, 'contact'), new RegExp(`^${contact};expires=3[56]\\d\\d$`))
  t.is((await register(client, account, { contact, extra: ['Expires: 0'] })).status, 200)
  t.is(await edge.registration(account), undefined)
  await register(client, account, { contact })
  t.is((await register(client, account, { contact: '*' })).status, 400)
  t.is((await register(client, account, { contact: '*', extra: ['Expires: 0'] })).status, 200)
  t.is(await edge.registration(account), undefined)
})

test('a REGISTER that was overtaken by a later one of its device changes nothing', async (t) => {
  const edge = await Edge.open(t)
  const [account, client] = [await edge.account(), await edge.client()]
  const call = { ...registering(account), callId: `order-${account.id}` }
  const challenge = () => client.request('REGISTER', call)
  const send = async (cseq: number, challenged: SipMessage) => {
    const extra = [authorize(challenged, 'REGISTER', registrar, account)]
    return client.request('REGISTER', { ...call, cseq, extra })
  }
  const early = await challenge()
  t.is((await send(2_000_000_100, await challenge())).status, 200)
  t.is((await send(2_000_000_050, early)).status, 500)
  t.is((await edge.registration(account))?.cseq, 2_000_000_100)
})
