import test from 'ava'
import { header, type SipMessage } from '../support/sip.ts'
import { base, Edge, incoming, register } from './edge.ts'
import { stampOf } from './stamp.ts'

/** What Asterisk is told of a call, which it refuses. */
async function told(
  edge: Edge,
  call: () => Promise<SipMessage>,
): Promise<{ invite: SipMessage; caller: string; domain: string }> {
  const since = edge.asterisk.received.length
  const answered = call()
  const invite = await incoming(edge.asterisk, 'INVITE', since)
  edge.asterisk.reply(invite, '603 Decline')
  await answered
  const domain = /from=([^;]*)/.exec(header(invite, 'hashdial-call'))?.[1] ?? ''
  return { invite, caller: header(invite, 'p-asserted-identity'), domain }
}

test('a stranger is the address that he calls from, and nobody with an address of ours', async (t) => {
  const edge = await Edge.open(t)
  const [account, stranger] = [await edge.account(), await edge.client()]
  const anonymous = `"Anonymous" <sip:anonymous@sip.${base}>`
  for (const [from, caller, domain] of [
    ['"Ann" <sip:ann@example.com>', '"ann@example.com" <sip:ann@example.com>', 'example.com'],
    ['<sip:ann@Example.COM>', '"ann@example.com" <sip:ann@example.com>', 'example.com'],
    ['<sip:+4930123@carrier.test>', '"+4930123@carrier.test" <sip:+4930123@carrier.test>', 'carrier.test'],
    [`"${account.username}" <sip:x@192.0.2.1:5080>`, '"x@192.0.2.1" <sip:x@192.0.2.1>', '192.0.2.1'],
    [`<sip:+4930123@sip.${base}>`, `"+4930123@sip.${base}" <sip:+4930123@sip.${base}>`, `sip.${base}`],
    [account.aor, anonymous, `sip.${base}`],
    [account.aor.replace(account.domain, account.domain.toUpperCase()), anonymous, `sip.${base}`],
    [account.aor.replace(account.domain, `${account.domain}.`), anonymous, `sip.${base}`],
    [`"1002" <sip:1002@registrar.${base}>`, anonymous, `sip.${base}`],
    [`"1002" <sip:1002@sip.${base}>`, anonymous, `sip.${base}`],
    [`<sip:+1900@${account.customer}.trunk.${base}>`, anonymous, `sip.${base}`],
    [`<sip:1002@${base}>`, anonymous, `sip.${base}`],
    ['<sip:example.com>', anonymous, `sip.${base}`],
    ['<tel:1002>', anonymous, `sip.${base}`],
    ['<tel:+4930123>', `"+4930123@sip.${base}" <sip:+4930123@sip.${base}>`, `sip.${base}`],
    ['"1002" <sip:a%22b@example.com>', anonymous, `sip.${base}`],
    ['<sip:anonymous@anonymous.invalid>', '"Anonymous" <sip:anonymous@anonymous.invalid>', 'anonymous.invalid'],
  ] as const) {
    const seen = await told(edge, () => stranger.request('INVITE', { uri: account.direct, from }))
    t.deepEqual([seen.caller, seen.domain], [caller, domain], from)
  }
})

test('a stranger names nobody by another header, and makes no phone answer by itself', async (t) => {
  const edge = await Edge.open(t)
  const [account, stranger] = [await edge.account(), await edge.client()]
  const name = `"Boss" ${account.aor}`
  const extra = [
    ...[`P-Asserted-Identity: ${name}`, `p-asserted-identity : ${name}`, `Remote-Party-ID: ${name};screen=yes`],
    ...[
      `P-Preferred-Identity: ${name}`,
      `Diversion: ${name};reason=unconditional`,
      `History-Info: ${account.aor};index=1`,
    ],
    ...['Alert-Info: <http://x>;info=alert-autoanswer', 'Call-Info: <sip:x>;answer-after=0', 'Answer-Mode: Auto'],
    ...['Priv-Answer-Mode: Auto', 'Hashdial-Call: from=x;forwards=70;via=', 'hashdial-call: from=y', 'X-Other: 5'],
  ]
  const { invite, caller } = await told(edge, () => stranger.request('INVITE', { uri: account.direct, extra }))
  t.is(caller, '"client@127.0.0.1" <sip:client@127.0.0.1>')
  t.is(invite.headers.get('p-asserted-identity')?.length, 1)
  t.is(invite.headers.get('hashdial-call')?.length, 1)
  for (const gone of [
    ...['remote-party-id', 'p-preferred-identity', 'diversion', 'history-info', 'alert-info', 'call-info'],
    ...['answer-mode', 'priv-answer-mode'],
  ])
    t.is(header(invite, gone), '', gone)
  t.is(header(invite, 'x-other'), '5')
})

test('an extension with its password keeps its name, and so does a flow of the same customer', async (t) => {
  const edge = await Edge.open(t)
  const [callee, foreign] = [await edge.account(), await edge.account()]
  const [caller, phone] = [await edge.account(callee.customer), await edge.client()]
  const from = `"Ann" ${caller.aor}`
  const uri = `sip:${callee.username}@${callee.domain}`
  const inside = await told(edge, () => phone.authenticated('INVITE', { uri, from }, caller))
  t.deepEqual([inside.caller, inside.domain], ['', caller.domain])
  const leg = (customer: string, named: string) =>
    told(edge, () => edge.asterisk.request('INVITE', { uri: callee.direct, from: named, extra: [stampOf(customer)] }))
  const own = await leg(callee.customer, from)
  t.deepEqual([own.caller, own.domain], ['', caller.domain])
  const other = await leg(foreign.customer, `"Ann" ${foreign.aor}`)
  const address = `${foreign.username}@${foreign.domain}`
  t.deepEqual([other.caller, other.domain], [`"${address}" <sip:${address}>`, foreign.domain])
})

test('a device that calls from where it is registered is who it is; a stranger who calls as it is not', async (t) => {
  const edge = await Edge.open(t)
  const [callee, foreign] = [await edge.account(), await edge.account()]
  const [caller, phone, stranger] = [await edge.account(callee.customer), await edge.device(), await edge.client()]
  await register(phone, caller)
  const from = `"Ann" ${caller.aor}`
  const call = (uri: string, client = phone) => told(edge, () => client.request('INVITE', { uri, from }))
  const inside = await call(callee.direct)
  t.deepEqual([inside.caller, inside.domain], ['', caller.domain])
  const outside = await call(foreign.direct)
  const address = `${caller.username}@${caller.domain}`
  t.deepEqual([outside.caller, outside.domain], [`"${address}" <sip:${address}>`, caller.domain])
  const pretended = await call(callee.direct, stranger)
  t.deepEqual([pretended.caller, pretended.domain], [`"Anonymous" <sip:anonymous@sip.${base}>`, `sip.${base}`])
})
