import { randomInt, randomUUID } from 'node:crypto'
import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { header, type SipClient, type SipMessage } from '../support/sip.ts'
import { type Account, base, Edge, incoming, register } from './edge.ts'
import { stampOf } from './stamp.ts'

const none = 'Hashdial-Leg: none'
const outbound = (customer: string, number = '+4930123456'): string => `sip:${number}@${customer}.trunk.${base}`
const aor = ({ username, domain }: Account): string => `sip:${username}@${domain}`
const call = (from: SipClient, uri: string, ...extra: string[]): Promise<SipMessage> =>
  from.request('INVITE', { uri, extra: extra.length > 0 ? extra : [none] })

/** A carrier with a trunk of this customer. It refuses what it gets. */
async function carrier(edge: Edge, customer: string): Promise<SipClient> {
  const client = await edge.client()
  client.socket.on('message', () => {
    const invite = client.received.findLast(({ method }) => method === 'INVITE')
    if (invite) client.reply(invite, '486 Busy Here')
  })
  const row = [randomUUID(), customer, `127.0.0.1:${client.port}`]
  await edge.rows(`INSERT INTO trunks VALUES (?, ?, '', '', ?, '', '', NOW(6), NULL)`, ...row)
  return client
}

test('a leg reaches the devices and trunks of its own customer; those of another are not there', async (t) => {
  const edge = await Edge.open(t)
  const [mine, yours, device] = [await edge.account(), await edge.account(), await edge.device()]
  await register(device, yours)
  const far = await carrier(edge, yours.customer)
  for (const uri of [aor(yours), outbound(yours.customer)]) {
    const host = uri.replace(/^.*@/, '')
    const spellings = [uri, uri.replace(host, host.toUpperCase()), `${uri}.`, `${uri}:${edge.port}`]
    spellings.push(
      `${uri};transport=udp`,
      `${uri};lr`,
      `${uri};maddr=127.0.0.1`,
      `${uri};user=phone`,
      uri.replace('sip:', 'sips:'),
    )
    for (const spelling of spellings) {
      const next = `;next=127.0.0.1:${device.port}/udp`
      for (const stamp of [stampOf(mine.customer), stampOf(mine.customer, next)])
        t.is((await call(edge.asterisk, spelling, stamp)).status, 404, `${spelling} ${stamp}`)
    }
  }
  t.deepEqual([device.received.filter(({ method }) => method === 'INVITE'), far.received], [[], []])
  t.is((await call(edge.asterisk, outbound(yours.customer), stampOf(yours.customer))).status, 486)
  const answered = call(edge.asterisk, aor(yours), stampOf(yours.customer))
  device.reply(await incoming(device, 'INVITE'), '603 Decline')
  t.is((await answered).status, 603)
})

test('a leg without a stamp, with a wrong one, or from elsewhere is a stranger’s call', async (t) => {
  const edge = await Edge.open(t)
  const [account, stranger] = [await edge.account(), await edge.client()]
  const far = await carrier(edge, account.customer)
  const stamp = stampOf(account.customer)
  for (const forged of [
    ...[none, `${stamp};x=1`, stamp.replace('customer', 'owner'), stamp.replace(/[0-9a-f];/, ';'), `${stamp},${stamp}`],
    ...[stamp.replace(account.customer, ''), stamp.replace(account.customer, `${account.customer}'`), 'Hashdial-Leg:'],
    stamp.replace('Hashdial', 'X-Hashdial'),
  ])
    t.not((await call(edge.asterisk, outbound(account.customer), forged)).status, 486, forged)
  for (const uri of [outbound(account.customer), aor(account)])
    t.is((await call(stranger, uri, stamp)).status, uri === aor(account) ? 407 : 404, uri)
  t.deepEqual(far.received, [])
})

test('a leg dials the numbers of its own customer, and no others', async (t) => {
  const edge = await Edge.open(t)
  const [mine, yours] = [await edge.account(), await edge.account()]
  const [id, flow, number] = [randomUUID(), randomUUID(), `+99${randomInt(1e9, 1e10)}`]
  await edge.rows(`INSERT INTO flows VALUES (?, ?, '', '', '[]', NULL, NOW(6), NULL)`, flow, mine.customer)
  await edge.rows(`INSERT INTO numbers VALUES (?, ?, '', '', ?, ?, NOW(6), NULL)`, id, mine.customer, number, flow)
  // Whoever lets the Asterisk in as a trunk of his lets nobody else's calls in.
  const trunk = randomUUID()
  await edge.rows(`INSERT INTO trunks VALUES (?, ?, '', '', 'x', '', '', NOW(6), NULL)`, trunk, mine.customer)
  const network = [trunk, '7F000001', '7F000001', '127.0.0.1', mine.customer]
  await edge.rows('INSERT INTO trunk_addresses VALUES (?, ?, ?, ?, ?)', ...network)
  const uri = `sip:${number}@sip.${base}`
  t.is((await call(edge.asterisk, uri, stampOf(yours.customer))).status, 404)
  const answered = call(edge.asterisk, uri, stampOf(mine.customer))
  const invite = await incoming(edge.asterisk, 'INVITE')
  t.regex(invite.start, new RegExp(`sip:number\\.${id}@`))
  edge.asterisk.reply(invite, '603 Decline')
  t.is((await answered).status, 603)
})

test('a call that comes back to where it has been is 482, and the eleventh hop 483', async (t) => {
  const edge = await Edge.open(t)
  const [account, other] = [await edge.account(), await edge.account()]
  const been = (count: number) => Array.from({ length: count }, () => randomUUID()).join('/')
  const dial = (more: string) => call(edge.asterisk, account.direct, stampOf(other.customer, more))
  t.is((await dial(`;via=${account.id}`)).status, 482)
  t.is((await dial(`;via=${been(3)}/${account.id}/${been(2)}`)).status, 482)
  t.is((await dial(`;via=${been(10)}`)).status, 483)
  t.is((await call(edge.asterisk, account.direct, stampOf(other.customer).replace('=64', '=0'))).status, 483)
  const via = been(9)
  const answered = dial(`;via=${via}`)
  const invite = await incoming(edge.asterisk, 'INVITE')
  t.is(header(invite, 'hashdial-leg'), '')
  t.is(header(invite, 'hashdial-call'), `from=127.0.0.1;forwards=64;via=${via}`)
  t.is(header(invite, 'max-forwards'), '64')
  edge.asterisk.reply(invite, '603 Decline')
  t.is((await answered).status, 603)
})

test('a leg goes outside where Hashdial says, without our headers, and never to an Asterisk or back to us', async (t) => {
  const edge = await Edge.open(t, { asterisks: 2 })
  const [account, far] = [await edge.account(), await edge.client()]
  const next = (port: number) => stampOf(account.customer, `;next=127.0.0.1:${port}/udp`)
  const answered = call(edge.asterisk, 'sip:alice@far.example', next(far.port))
  const invite = await incoming(far, 'INVITE')
  t.is(invite.start, 'INVITE sip:alice@far.example SIP/2.0')
  t.notRegex(invite.text, /hashdial-/i)
  t.is(header(invite, 'max-forwards'), '64')
  far.reply(invite, '486 Busy Here')
  t.is((await answered).status, 486)
  await far.message(({ method }) => method === 'ACK').catch(() => undefined)

  const since = far.received.length
  for (const [uri, stamp] of [
    ...edge.asterisks.map(({ port }) => ['sip:alice@far.example', next(port)] as const),
    ...[`flow.${account.id}`, `extension.${account.id}`].map(
      (user) => [`sip:${user}@far.example`, next(far.port)] as const,
    ),
    ['sip:alice@far.example', next(edge.port)],
    ['sip:alice@far.example', stampOf(account.customer)],
    [`sip:alice@127.0.0.1:${far.port}`, stampOf(account.customer)],
    [`sip:alice@127.0.0.1:${far.port}`, none],
    [`sip:alice@${account.customer}.trunk.${base}.`, next(far.port)],
  ] as const)
    t.is((await call(edge.asterisk, uri, stamp)).status, 404, `${uri} ${stamp}`)
  t.false(far.received.slice(since).some(({ method }) => method === 'INVITE'))
})

test('what a customer’s flows dial wrongly is counted on the customer, never on the Asterisk', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_MISSES: '5' } })
  const [guesser, other, stranger] = [await edge.account(), await edge.account(), await edge.client()]
  const dial = (uri: string, { customer }: Account) => call(edge.asterisk, uri, stampOf(customer))
  for (let n = 0; n < 8; n++) t.is((await dial(`sip:direct.00000000000${n}@sip.${base}`, guesser)).status, 404)
  t.is((await dial(other.direct, guesser)).status, 404, 'its own allowance is used up')
  for (const begin of [() => dial(guesser.direct, other), () => call(stranger, other.direct, 'X-Other: 1')]) {
    const since = edge.asterisk.received.length
    const answered = begin()
    edge.asterisk.reply(await incoming(edge.asterisk, 'INVITE', since), '603 Decline')
    t.is((await answered).status, 603)
  }
  const blocks = () => edge.rows('SELECT source_address FROM guess_blocks WHERE edge = ?', edge.name)
  t.true(await becomesTrue(5_000, async () => (await blocks()).length > 0))
  t.deepEqual(await blocks(), [{ source_address: `customer:${guesser.customer}` }] as never)
})
