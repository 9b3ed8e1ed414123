import test from 'ava'
import { authorize, header, type SipClient, type SipMessage } from '../support/sip.ts'
import { base, contactOf, Edge, incoming, routes, tagOf, visible } from './edge.ts'
import { arrives, makeNumber, makeTrunk } from './numbers.ts'

const uriOf = (number: string): string => `sip:${number}@sip.${base}`
const outbound = (customer: string, number: string): string => `sip:${number}@${customer}.trunk.${base}`

const withoutNonce = (answer: SipMessage): string => visible(answer).replace(/nonce="[^"]+"/, '')

test('a trunk is let in by its address to its customer’s numbers; all else is 404 to it', async (t) => {
  const edge = await Edge.open(t)
  const [{ customer }, { customer: other }] = [await edge.account(), await edge.account()]
  await makeTrunk(edge, customer, { network: '127.0.11.0/28' })
  const { id, number } = await makeNumber(edge, customer)
  const carrier = await edge.client('127.0.11.9')
  const extra = ['X-Hashdial-A: 1', `Route: <sip:127.0.0.1:${edge.port};lr>`]
  for (const user of [number, `${number};npdi`]) {
    const invite = await arrives(edge, () =>
      carrier.request('INVITE', { uri: uriOf(user), from: '<sip:+4930123@carrier.test>', extra }),
    )
    t.is(invite.start, `INVITE sip:number.${id}@127.0.0.1:${edge.asterisk.port} SIP/2.0`)
    t.regex(header(invite, 'from'), /<sip:\+4930123@carrier\.test>/)
    t.notRegex(invite.text, /x-hashdial/i)
  }
  const without = await makeNumber(edge, customer, false)
  const foreign = await makeNumber(edge, other)
  const answers = new Set<string>()
  for (const user of [without.number, foreign.number, '+9912', `number.${id}`, number.slice(6), `${number}'--`])
    answers.add(visible(await carrier.request('INVITE', { uri: uriOf(user) })))
  t.is(answers.size, 1, [...answers].join())
  t.regex([...answers][0]!, /^SIP\/2\.0 404 Not Found\n/)
  for (const address of ['127.0.11.16', '127.0.10.255'])
    t.is((await (await edge.client(address)).request('INVITE', { uri: uriOf(number) })).status, 407, address)
})

test('a stranger is challenged alike for every number; credentials decide', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_MISSES: '1000' } })
  const [{ customer }, { customer: other }] = [await edge.account(), await edge.account()]
  const login = { username: 'pbx@carrier', password: 'right' }
  await makeTrunk(edge, customer, login)
  await makeTrunk(edge, other, { username: 'pbx@carrier', password: 'another' })
  const [own, foreign] = [await makeNumber(edge, customer), await makeNumber(edge, other)]
  const client = await edge.client('127.0.12.1')
  const challenges = new Set<string>()
  for (const number of [own.number, foreign.number, '+9912'])
    challenges.add(withoutNonce(await client.request('INVITE', { uri: uriOf(number) })))
  t.is(challenges.size, 1)
  t.regex([...challenges][0]!, new RegExp(`^SIP/2\\.0 407 [^]*realm="${base}"`))

  const call = (number: string, who: { username: string; password: string }) =>
    client.authenticated('INVITE', { uri: uriOf(number) }, who)
  for (const [{ id, number }, password] of [
    [own, 'right'],
    [foreign, 'another'],
  ] as const) {
    const invite = await arrives(edge, () => call(number, { ...login, password }))
    t.is(invite.start, `INVITE sip:number.${id}@127.0.0.1:${edge.asterisk.port} SIP/2.0`)
    t.is(header(invite, 'proxy-authorization'), '')
  }
  for (const number of [foreign.number, '+9912']) t.is((await call(number, login)).status, 404, number)
  for (const [username, password] of [
    ...[['pbx@carrier', 'wrong'] as const, ['nobody', 'right'] as const, ['', 'right'] as const],
    ...["pbx@carrier' OR '1'='1", 'pbx@carrier\\', 'p'.repeat(65)].map((name) => [name, 'right'] as const),
  ])
    t.is((await call(own.number, { username, password })).status, 407, username)

  const uri = uriOf(own.number)
  const extra = [authorize(await client.request('INVITE', { uri }), 'INVITE', uri, login)]
  await arrives(edge, () => client.request('INVITE', { uri, extra }))
  t.regex(header(await client.request('INVITE', { uri, extra }), 'proxy-authenticate'), /stale=true/)
})

test('an address that one customer lets in can log in for another one', async (t) => {
  const edge = await Edge.open(t)
  const [{ customer }, { customer: other }] = [await edge.account(), await edge.account()]
  await makeTrunk(edge, customer, { network: '127.0.13.1' })
  await makeTrunk(edge, other, { username: 'pbx', password: 'right' })
  const { id, number } = await makeNumber(edge, other)
  const carrier = await edge.client('127.0.13.1')
  const invite = await arrives(edge, () =>
    carrier.authenticated('INVITE', { uri: uriOf(number) }, { username: 'pbx', password: 'right' }),
  )
  t.regex(invite.start, new RegExp(`number\\.${id}@`))
})

test('who guesses passwords of trunks gets 404; a trunk that is known by the same address goes on', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_MISSES: '3' } })
  const { customer } = await edge.account()
  await makeTrunk(edge, customer, { network: '127.0.14.1', username: 'pbx', password: 'right' })
  const { number } = await makeNumber(edge, customer)
  const { number: second } = await makeNumber(edge, (await edge.account()).customer)
  const client = await edge.client('127.0.14.1')
  const guess = () =>
    client.request('INVITE', { uri: uriOf(second), extra: ['Proxy-Authorization: Digest username="pbx", realm="x"'] })
  t.is((await guess()).status, 407)
  for (let n = 0; n < 4; n++) {
    const uri = uriOf(second)
    const challenge = await guess()
    const extra = [authorize(challenge, 'INVITE', uri, { username: 'pbx', password: `guess ${n}` })]
    t.is((await client.request('INVITE', { uri, extra })).status, 407)
  }
  t.is((await guess()).status, 404)
  await arrives(edge, () => client.request('INVITE', { uri: uriOf(number) }))
})

/** A far end that answers each INVITE with this, and what it got. */
async function farEnd(edge: Edge, answer?: string): Promise<{ client: SipClient; domain: string; got: string[] }> {
  const client = await edge.client('127.0.15.1')
  const got: string[] = []
  client.socket.on('message', () => {
    const message = client.received.at(-1)!
    if (message.method !== 'INVITE') return
    got.push(message.start)
    if (answer !== undefined) client.reply(message, answer)
  })
  return { client, domain: `127.0.15.1:${client.port}`, got }
}

test('Asterisk alone calls the world, by a trunk of the customer', async (t) => {
  const edge = await Edge.open(t)
  const [{ customer }, { customer: without }] = [await edge.account(), await edge.account()]
  const { client: carrier, domain, got } = await farEnd(edge)
  await makeTrunk(edge, customer, { domain })
  const uri = outbound(customer, '+4930123456')
  const extra = [`Route: <sip:127.0.0.1:${edge.port};lr>`]
  t.is((await (await edge.client()).request('INVITE', { uri, extra })).status, 404)
  for (const [who, number] of [
    [without, '+4930123456'],
    [customer, '0049301234'],
    [customer, "+49'"],
  ] as const)
    t.is((await edge.asterisk.request('INVITE', { uri: outbound(who, number), extra })).status, 404, number)
  t.deepEqual(got, [])

  const call = { uri, extra, callId: `trunk-${customer}`, tag: 'asterisk', from: '<sip:+4930999@127.0.0.1>' }
  const answered = edge.asterisk.request('INVITE', { ...call, cseq: 1 })
  const invite = await incoming(carrier, 'INVITE')
  t.is(invite.start, `INVITE sip:+4930123456@${domain} SIP/2.0`)
  t.is(header(invite, 'route'), '')
  carrier.reply(invite, '200 OK')
  const ok = await answered
  const inside = { ...call, uri: contactOf(ok), to: `<${uri}>;tag=${tagOf(ok, 'to')}`, extra: routes(ok, true) }
  edge.asterisk.send(edge.asterisk.compose('ACK', { ...inside, cseq: 1 }))
  await incoming(carrier, 'ACK')
  const back = { callId: call.callId, tag: tagOf(ok, 'to'), from: `<${uri}>`, to: header(invite, 'from') }
  const bye = carrier.request('BYE', { ...back, uri: contactOf(invite), cseq: 7, extra: routes(invite, false) })
  edge.asterisk.reply(await incoming(edge.asterisk, 'BYE'), '200 OK')
  t.is((await bye).status, 200)
})

test('the oldest trunk is called, and the next one when that is out of order', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_TRUNK_MS: '500' } })
  const call = async (...answers: (string | undefined)[]) => {
    const { customer } = await edge.account()
    const ends = []
    for (const answer of answers) {
      const end = answer === 'unknown' ? { domain: 'nowhere.invalid', got: [] } : await farEnd(edge, answer)
      await makeTrunk(edge, customer, { domain: end.domain })
      ends.push(end)
    }
    const answer = await edge.asterisk.request('INVITE', { uri: outbound(customer, '+4930123456') }, 10_000)
    return [answer.status, ...ends.map(({ got }) => new Set(got).size)]
  }
  t.deepEqual(await call('486 Busy Here', '603 Decline'), [486, 1, 0])
  t.deepEqual(await call('503 Service Unavailable', '603 Decline'), [603, 1, 1])
  t.deepEqual(await call('408 Request Timeout', undefined, '603 Decline'), [603, 1, 1, 1])
  t.deepEqual(await call('503 Service Unavailable', undefined), [502, 1, 1])
  t.deepEqual(await call('407 Proxy Authentication Required', '603 Decline'), [407, 1, 0])
  t.deepEqual(await call('unknown', '603 Decline'), [603, 0, 1])
  t.deepEqual(await call('unknown'), [502, 0])
})

test('a trunk whose name leads into a private network is not called, whatever the name said when it was stored', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_TRUNK_PRIVATE: '127.0.15.0/24,10.9.0.0/16' } })
  const { client: inside, got } = await farEnd(edge, '603 Decline')
  const hidden = await edge.client('127.0.0.1')
  const { port } = hidden
  const call = async (...domains: string[]) => {
    const { customer } = await edge.account()
    for (const domain of domains) await makeTrunk(edge, customer, { domain })
    return (await edge.asterisk.request('INVITE', { uri: outbound(customer, '+4930123456') }, 10_000)).status
  }
  const forbidden = [
    `127.0.0.1:${port}`,
    `localhost:${port}`,
    '10.8.0.1',
    '169.254.169.254',
    '192.168.1.1:5070',
    '100.64.1.1',
    '224.0.0.1',
  ]
  for (const domain of forbidden) t.is(await call(domain), 502, domain)
  t.regex(edge.kamailio.log, /leads to 127\.0\.0\.1, which is not on the public internet; HASHDIAL_TRUNK_PRIVATE/)
  t.is(await call(...forbidden.slice(0, 4), `127.0.15.1:${inside.port}`), 603, 'the next trunk is called')
  t.is(new Set(got).size, 1)
  t.deepEqual(hidden.received, [])
})
