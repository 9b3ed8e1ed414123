import { createHash, randomUUID } from 'node:crypto'
import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { authorize, header, type RequestOptions, type SipClient, type SipMessage } from '../support/sip.ts'
import { base, Edge, register, registering, registrar, type Account } from './edge.ts'

/** A REGISTER with credentials in a line that the caller makes of the challenge. */
async function registerWith(
  client: SipClient,
  account: Account,
  lines: (challenge: SipMessage) => string[],
  options: Partial<RequestOptions> = {},
): Promise<SipMessage> {
  const request = { callId: randomUUID(), ...registering(account, options) }
  const challenge = await client.request('REGISTER', request)
  return client.request('REGISTER', { ...request, extra: [...(options.extra ?? []), ...lines(challenge)] })
}

test('a phone whose address changed: one new Contact, and any number with expires=0', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_PROBE_BATCH: '0' } })
  const [before, after] = [await edge.device(), await edge.device()]
  const at = ({ port }: SipClient, more = '') => `<sip:"m,e"@127.0.0.1:${port}>${more}`.replace('"m,e"', 'me')
  const twoHeaders = (line: string) => ({ extra: [line] })
  for (const move of [
    { contact: `${at(before, ';expires=0')}, "Smith, <John>" ${at(after, ';q=0.5;expires=600')}` },
    { contact: `${at(after, ';expires=600')},${at(before, ';expires=0')},<sip:x@192.0.2.1>;expires=0` },
    { contact: `"John \\"J, J\\" Doe" ${at(after, ';expires=600')}, "a\\"" ${at(before, ';expires=0')}` },
    { contact: at(after, ';expires=600'), ...twoHeaders(`Contact: ${at(before, ';expires=0')}`) },
    { contact: `${at(after)}, ${at(before, ';expires=0')}`, ...twoHeaders('Expires: 600') },
    { contact: `sip:me@127.0.0.1:${after.port};expires=600, sip:me@127.0.0.1:${before.port};expires=0` },
  ]) {
    const account = await edge.account()
    t.is((await register(before, account, { contact: at(before) })).status, 200)
    const answer = await register(after, account, move)
    t.is(answer.start, 'SIP/2.0 200 OK', JSON.stringify(move))
    t.is(header(answer, 'contact'), `<sip:me@127.0.0.1:${after.port}>;expires=600`)
    t.is((await edge.registration(account))?.contact, `sip:me@127.0.0.1:${after.port}`)
  }
  t.is(before.received.filter(({ method }) => method === 'OPTIONS').length, 0)
})

test('two live Contacts are refused, and two that are to go are removed', async (t) => {
  const edge = await Edge.open(t)
  const [account, client] = [await edge.account(), await edge.client()]
  const two = ['<sip:a@127.0.0.1:1>', '<sip:b@127.0.0.1:2>']
  t.is((await register(client, account, { contact: two.join(', ') })).status, 400)
  t.is((await register(client, account, { contact: `${two[0]};expires=0, ${two.join(',')}` })).status, 400)
  t.is((await register(client, account, { contact: `${two[0]}, "` })).status, 400)
  t.is((await register(client, account, { contact: '<sip:a@127.0.0.1:1>' })).status, 200)
  t.is((await register(client, account, { contact: two.join(', '), extra: ['Expires: 0'] })).status, 200)
  t.is(await edge.registration(account), undefined)
})

test('an Expires that makes no sense is 3600, and blanks around a number are no part of it', async (t) => {
  const edge = await Edge.open(t)
  const [account, client] = [await edge.account(), await edge.client()]
  const granted = async (options: Partial<RequestOptions>) => {
    const answer = await register(client, account, { callId: `expires-${account.id}`, ...options })
    return answer.status === 200 ? /expires=(\d+)/.exec(header(answer, 'contact'))?.[1] : answer.start
  }
  const nonsense = ['', ' ', '600.5', 'soon', '"600"', '-1', '+600', '0x3c', '600;x', 'Thu, 01 Dec 1994 16:00:00 GMT']
  for (const value of nonsense) t.is(await granted({ extra: [`Expires: ${value}`] }), '3600', value)
  for (const value of ['600 ', '  600', '600\t']) t.is(await granted({ extra: [`Expires: ${value}`] }), '600', value)
  t.is(await granted({ extra: ['Expires: 0000000000600'] }), '600')
  t.is(await granted({ extra: [`Expires: ${'9'.repeat(40)}`] }), '7200')
  const contact = `<sip:me@127.0.0.1:${client.port}>`
  for (const value of ['600.5', 'soon', '"600"', '-1', '""', ''])
    t.is(await granted({ contact: `${contact};expires=${value}`, extra: ['Expires: 120'] }), '3600', value)
  t.is(await granted({ contact: `${contact};expires=600`, extra: ['Expires: soon'] }), '600')
  t.is(await granted({ contact: `${contact};expires="600", <sip:old@127.0.0.1>;expires=0` }), '3600')
})

test('credentials of our realm are found wherever they stand', async (t) => {
  const edge = await Edge.open(t)
  const client = await edge.client()
  const foreign = 'Digest username="x", realm="elsewhere", nonce="1", uri="sip:x", response="2", nc=00000009'
  for (const arrange of [
    (ours: string) => [`Proxy-Authorization: ${foreign}`, `Proxy-Authorization: ${ours}`],
    (ours: string) => [`Proxy-Authorization: ${foreign}`, `Authorization: ${ours}`],
    (ours: string) => [`Authorization: ${foreign}`, `Authorization: ${ours}`],
    (ours: string) => [`Authorization: ${foreign}`, `Proxy-Authorization: ${ours}`],
    (ours: string) => [
      `Proxy-Authorization: ${foreign}`,
      `Proxy-Authorization: ${foreign}`,
      `Proxy-Authorization: ${ours}`,
    ],
  ]) {
    const account = await edge.account()
    const lines = (challenge: SipMessage) =>
      arrange(authorize(challenge, 'REGISTER', registrar, account).replace('Proxy-Authorization: ', ''))
    t.is((await registerWith(client, account, lines)).status, 200, arrange('…').join(' | '))
  }
})

test('a digest of user@domain registers and refreshes by ha1b, and never without one', async (t) => {
  const edge = await Edge.open(t)
  const [account, client] = [await edge.account(), await edge.client()]
  const who = { username: `${account.username}@${account.domain}`, password: account.password }
  const call = { callId: randomUUID() as string }
  const attempt = (as: typeof who) =>
    registerWith(client, account, (challenge) => [authorize(challenge, 'REGISTER', registrar, as)], call)
  // an account of before there was ha1b: an empty one is nobody's password
  const md5 = (text: string) => createHash('md5').update(text).digest('hex')
  const empty = (challenge: SipMessage) => {
    const nonce = /nonce="([^"]+)"/.exec(header(challenge, 'proxy-authenticate'))![1]!
    const response = md5(`:${nonce}:${md5(`REGISTER:${registrar}`)}`)
    const fields = { username: who.username, realm: base, nonce, uri: registrar, response }
    return [
      `Proxy-Authorization: Digest ${Object.entries(fields)
        .map(([name, value]) => `${name}="${value}"`)
        .join(', ')}`,
    ]
  }
  t.is((await registerWith(client, account, empty)).status, 407)
  t.is((await attempt(who)).status, 407)
  const ha1b = md5(`${who.username}:${base}:${who.password}`)
  await edge.rows('UPDATE subscriber SET ha1b = ? WHERE extension_id = ?', ha1b, account.id)
  for (let n = 0; n < 3; n++) t.is((await attempt(who)).status, 200)
  t.is((await attempt({ ...who, username: `${account.username}@elsewhere.test` })).status, 407)
  t.is((await attempt({ ...who, password: 'wrong' })).status, 407)
  t.is((await attempt(account)).status, 200)
})

test('a device that was started again (same Call-ID, CSeq from 1) is taken at once from its address or with its instance', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_PROBE_BATCH: '0' } })
  const start = async (client: SipClient, account: Account, options: Partial<RequestOptions>, cseq: number) => {
    const call = { ...registering(account), callId: `boot-${account.id}`, ...options }
    const challenge = await client.request('REGISTER', { ...call, cseq })
    const extra = [authorize(challenge, 'REGISTER', registrar, account)]
    return client.request('REGISTER', { ...call, cseq: cseq + 1, extra })
  }
  const [phone, rebooted, moved] = [await edge.device(), await edge.device(), await edge.client('127.0.0.9')]
  const account = await edge.account()
  t.is((await start(phone, account, {}, 500)).status, 200)
  t.is((await start(rebooted, account, {}, 1)).status, 200)
  t.is((await edge.registration(account))?.cseq, 2)
  t.is((await start(rebooted, account, {}, 1)).status, 200, 'the same CSeq again')

  const instance = ';+sip.instance="<urn:uuid:11111111-2222-4333-8444-555555555555>"'
  const other = await edge.account()
  const contact = (client: SipClient) => ({ contact: `<sip:me@${client.address}:${client.port}>${instance}` })
  t.is((await start(phone, other, contact(phone), 500)).status, 200)
  t.is((await start(moved, other, contact(moved), 1)).status, 200)
  t.is(phone.received.filter(({ method }) => method === 'OPTIONS').length, 0)
})

test('started again elsewhere: the old contact is asked; it is replaced when silent, and 500 when alive', async (t) => {
  const edge = await Edge.open(t)
  const account = await edge.account()
  const [phone, moved] = [await edge.device(), await edge.client('127.0.0.9')]
  const start = async (client: SipClient, cseq: number) => {
    const call = { ...registering(account), callId: `boot-${account.id}` }
    const challenge = await client.request('REGISTER', { ...call, cseq })
    const extra = [authorize(challenge, 'REGISTER', registrar, account)]
    return client.request('REGISTER', { ...call, cseq: cseq + 1, extra })
  }
  t.is((await start(phone, 500)).status, 200)
  t.is((await start(moved, 1)).status, 500)
  const reported = await becomesTrue(4_000, async () => {
    const [row] = await edge.rows('SELECT * FROM registration_failures WHERE extension_id = ?', account.id)
    return row?.reason === 'cseq_out_of_order' && row.source_address === '127.0.0.9'
  })
  t.true(reported)
  phone.socket.removeAllListeners('message')
  t.is((await start(moved, 1)).status, 200)
  t.is((await edge.registration(account))?.source_address, '127.0.0.9')
})

test('a Contact of up to 1500 characters is stored, answered, probed and called; beyond it the limit is named', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_PROBE_SECONDS: '1' } })
  const [account, device] = [await edge.account(), await edge.device()]
  const uri = (length: number) => {
    const start = `sip:me@127.0.0.1:${device.port};pn-provider=fcm;pn-prid=`
    return start + 'p'.repeat(length - start.length)
  }
  const instance = ';+sip.instance="<urn:uuid:11111111-2222-4333-8444-555555555555>"'
  for (const length of [700, 1100, 1500]) {
    for (let n = 0; n < 2; n++) {
      const answer = await register(device, account, { contact: `<${uri(length)}>${instance}`, callId: `pn-${length}` })
      t.is(answer.start, 'SIP/2.0 200 OK', String(length))
      t.is(header(answer, 'contact'), `<${uri(length)}>;expires=3600`)
    }
    t.is((await edge.registration(account))?.contact, uri(length))
    const called = edge.asterisk.request('INVITE', { uri: `sip:${account.username}@${account.domain}` })
    const invite = await device.message(({ start }) => start === `INVITE ${uri(length)} SIP/2.0`)
    device.reply(invite, '486 Busy Here')
    t.is((await called).status, 486)
  }
  t.true(await becomesTrue(6_000, async () => (await edge.registration(account))?.rtt_ms !== null))
  const refused = await register(device, account, { contact: `<${uri(1501)}>` })
  t.is(refused.start, 'SIP/2.0 400 Contact Too Long, At Most 1500 Characters')
})

test('a device whose every header is as long as it may be registers, refreshes, moves and goes', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_PATH_PROXIES: '127.0.0.1', HASHDIAL_PROBE_BATCH: '0' } })
  const [account, device] = [await edge.account(), await edge.device()]
  const long = (start: string, length: number, end = '') => start + 'x'.repeat(length - start.length - end.length) + end
  const gone = Array.from({ length: 7 }, (_, n) => `<sip:old@127.0.0.1:${n + 1}>;expires=0`)
  const instance = `;+sip.instance="${long('<', 255, '>')}"`
  const extra = [
    `Path: ${long(`<sip:127.0.0.1:${device.port};lr;x=`, 512, '>')}`,
    ...['Supported: path', `User-Agent: ${long('', 255)}`],
  ]
  const attempt = (contact: string, callId: string, more: string[] = []) =>
    register(device, account, { callId, contact, extra: [...extra, ...more] })
  const contact = `<${long('sip:me@127.0.0.1;x=', 1500)}>${instance}`
  for (const callId of [long('a', 255), long('a', 255), long('b', 255)])
    t.is((await attempt([contact, ...gone].join(','), callId)).start, 'SIP/2.0 200 OK')
  t.is((await attempt(contact, long('b', 255))).start, 'SIP/2.0 200 OK')
  t.is((await edge.registration(account))?.call_id, long('b', 255))
  t.is((await attempt(contact, long('c', 255), ['Expires: 0'])).start, 'SIP/2.0 200 OK')
  t.is(await edge.registration(account), undefined)
})
