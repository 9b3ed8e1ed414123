import test from 'ava'
import { answersOptions } from '../../src/stack/kamailio.ts'
import { childrenOf } from '../support/fuzz-sender.ts'
import { header, parseSip, type SipClient, type SipMessage } from '../support/sip.ts'
import { base, Edge, incoming, register } from './edge.ts'

/** Sends the bytes and waits for the final answer; the requests of one test differ in their CSeq. */
async function answerTo(client: SipClient, text: string, encoding: BufferEncoding = 'utf8'): Promise<SipMessage> {
  const since = client.received.length
  client.socket.send(Buffer.from(text, encoding), client.server, '127.0.0.1')
  return client.message(({ status }) => status >= 200, since, 2_000)
}

test('a request without a Via, which ended Kamailio once, is dropped, and so is what is not SIP', async (t) => {
  const edge = await Edge.open(t)
  const [client, processes] = [await edge.client(), childrenOf(edge.kamailio.pid)]
  const request = client.compose('OPTIONS', { uri: `sip:sip.${base}` })
  for (const text of [
    'POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n',
    request.replace(/^Via: .*\r\n/m, ''),
    request.replace('Via: ', 'Vio: ').replace('Call-ID', 'Call'),
    request.replace(/^Via: .*/m, 'Via: '),
    request.replace('SIP/2.0', 'SIP/7.0').replace(/^Via: .*\r\n/m, ''),
    'SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n',
  ]) {
    client.send(text)
    t.true(await answersOptions(edge.port), text)
  }
  // The last of them may have been started since.
  t.true(childrenOf(edge.kamailio.pid).startsWith(processes))
  t.deepEqual(client.received, [])
})

test('what cannot be read is answered at once, with its own Via, From, To, Call-ID and CSeq', async (t) => {
  const edge = await Edge.open(t)
  const [client, { direct }] = [await edge.client(), await edge.account()]
  const changes: [string | RegExp, string, number][] = [
    ...['SIP/7.0', 'SIP/1.0', 'SIP/2.0x'].map((version): [RegExp, string, number] => [/SIP\/2.0$/m, version, 505]),
    ...[/^From: .*\r\n/m, /^To: .*\r\n/m, /^Call-ID: .*\r\n/m, /^CSeq: .*\r\n/m].flatMap(
      (line): [RegExp, string, number][] => [
        [line, '', 400],
        [line, '$&$&', 400],
      ],
    ),
    ...['-5', 'abc', '99999999999999', '500', '0\r\nContent-Length: 0', '0\r\nContent-Length: 5'].map(
      (length): [string, string, number] => ['Content-Length: 0', `Content-Length: ${length}`, 400],
    ),
    ...['abc', '-1', '', '70\r\nMax-Forwards: 70'].map((hops): [string, string, number] => [
      'Max-Forwards: 70',
      `Max-Forwards: ${hops}`,
      400,
    ]),
    ...[/CSeq: (\d+) OPTIONS/, /CSeq:( \d+) OPTIONS/].map((line): [RegExp, string, number] => [
      line,
      'CSeq: $1\r\n OPTIONS',
      400,
    ]),
    ...['36893488147419103232 OPTIONS', '-1 OPTIONS', '1 INVITE', '1'].map((cseq): [RegExp, string, number] => [
      /CSeq: .*/,
      `CSeq: ${cseq}`,
      400,
    ]),
    [/^To: /m, 'To: "Anna ', 400],
    [/^From: /m, 'From: "Anna ', 400],
    [/^Max-Forwards/m, 'X-Foo Bar: 1\r\nMax-Forwards', 400],
    ['Max-Forwards: 70', 'Max-Forwards: 0', 483],
    [direct, 'mailto:anna@example.com', 416],
    [direct, 'nobodyknows:anna', 416],
    [direct, 'anna', 400],
    ['Max-Forwards', 'Proxy-Require: foo, bar\r\nMax-Forwards', 420],
    ['Max-Forwards', 'Require: foo\r\nMax-Forwards', 420],
  ]
  for (const [from, to, status] of changes) {
    const request = client.compose('OPTIONS', { uri: direct }).replace(from, to)
    const answer = await answerTo(client, request)
    t.is(answer.status, status, request)
    const sent = parseSip(request)
    t.true(header(answer, 'via').includes(/branch=\w+/.exec(header(sent, 'via'))![0]), answer.text)
    t.is(header(answer, 'call-id'), header(sent, 'call-id'), request)
    t.regex(answer.text, /^Content-Length: 0\r\n\r\n$/m)
    if (status === 420) t.regex(header(answer, 'unsupported'), /^foo/)
  }
  // never an answer to an ACK
  const since = client.received.length
  client.send(client.compose('ACK', { uri: direct }).replace(/^From: .*\r\n/m, ''))
  client.send(client.compose('ACK', { uri: direct }).replace('SIP/2.0', 'SIP/7.0'))
  await client.request('OPTIONS', { uri: direct })
  t.is(client.received.length, since + 1)
})

test('a version in lower case, folded headers and short names are read (RFC 3261 7)', async (t) => {
  const edge = await Edge.open(t)
  const [client, { direct }] = [await edge.client(), await edge.account()]
  const short = { Via: 'v', From: 'F', To: 't', 'Call-ID': 'i', Contact: 'm', 'Content-Length': 'l' }
  let request = client
    .compose('OPTIONS', { uri: direct, extra: ['Subject: a\r\n b\r\n\tc'] })
    .replace('To: ', 'To:\r\n ')
  for (const [name, letter] of Object.entries(short)) request = request.replace(`\r\n${name}:`, `\r\n${letter} :`)
  t.is((await answerTo(client, request)).status, 200)
})

test('a method that has no place outside a dialog, or none at all, gets the answer of its RFC', async (t) => {
  const edge = await Edge.open(t)
  const [client, { direct, aor, domain }] = [await edge.client(), await edge.account()]
  const statuses: [string, number][] = [
    ...['BYE', 'UPDATE', 'PRACK', 'INFO', 'NOTIFY', 'CANCEL'].map((method): [string, number] => [method, 481]),
    ...['MESSAGE', 'REFER', 'PUBLISH'].map((method): [string, number] => [method, 405]),
    ...['FOO', 'invite', 'KDMQ', 'GET', 'POST'].map((method): [string, number] => [method, 501]),
    ['SUBSCRIBE', 489],
  ]
  for (const uri of [direct, aor.slice(1, -1), `sip:${domain}`, `sip:sip.${base}`]) {
    for (const [method, status] of statuses) {
      const answer = await client.request(method, { uri })
      t.is(answer.status, status, `${method} ${uri}`)
      if (status === 405 || status === 501)
        t.regex(header(answer, 'allow'), /^(INVITE, ACK, .*, OPTIONS, REFER|REGISTER, OPTIONS)$/)
    }
  }
  for (const method of ['INVITE', 'OPTIONS', 'BYE', 'FOO'])
    t.is((await client.request(method, { uri: direct, to: `<${direct}>;tag=nobodys` })).status, 481, method)
})

test('OPTIONS is answered as an INVITE would be, without ringing anybody', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_MISSES: '3' } })
  const account = await edge.account()
  const [client, device] = [await edge.client('127.0.0.66'), await edge.device()]
  await register(device, account)
  const since = device.received.length
  const options = (uri: string) => client.request('OPTIONS', { uri })
  const good = await options(account.direct)
  t.is(good.status, 200)
  t.is(header(good, 'allow'), 'INVITE, ACK, CANCEL, BYE, UPDATE, INFO, PRACK, OPTIONS, REFER')
  t.is(header(good, 'accept'), 'application/sdp')
  for (const uri of [
    `sip:sip.${base}`,
    `sip:127.0.0.1:${edge.port}`,
    'sip:registrar.hashdial.test',
    `sip:${account.domain}`,
  ]) {
    const answer = await options(uri)
    t.is(answer.status, 200, uri)
    t.regex(header(answer, 'allow'), uri.includes('registrar') ? /^REGISTER, OPTIONS$/ : /^INVITE, ACK,/)
    t.is(header(answer, 'accept'), 'application/sdp')
  }
  // as an INVITE: an extension's AOR needs its customer's credentials, and a number those of a trunk
  const request = { uri: account.aor.slice(1, -1), from: account.aor, to: account.aor }
  t.is((await client.request('OPTIONS', request)).status, 407)
  t.is((await client.authenticated('OPTIONS', request, account)).status, 200)
  const unknown = { ...request, uri: request.uri.replace(account.username, 'nobody') }
  t.is((await client.authenticated('OPTIONS', unknown, account)).status, 404)
  t.is((await options(`sip:+15551234567@sip.${base}`)).status, 407)
  t.is((await options('tel:+15551234567')).status, 407)

  for (let n = 0; n < 4; n++) t.is((await options(`sip:direct.00000000000${n}@sip.${base}`)).status, 404)
  t.is((await options(account.direct)).status, 404, 'four wrong addresses made a guesser of it')
  // but for the probe of the edge itself
  t.deepEqual(
    device.received.slice(since).filter((message) => header(message, 'user-agent') !== 'Hashdial'),
    [],
  )
  t.false(edge.asterisk.received.some(({ method }) => method === 'INVITE'))
})

test('an INVITE that Asterisk could not read is refused at once; a name that is no text is left out', async (t) => {
  const edge = await Edge.open(t)
  const [client, account] = [await edge.client(), await edge.account()]
  const invite = (options = {}) => client.compose('INVITE', { uri: account.direct, ...options })
  const unreadable: [string, number][] = [
    ...['direct.\xff\xfe', '\xff', '+1\xff', '\xc3\xa9', `direct.${account.hash}\xff`].map((user): [string, number] => [
      invite({ uri: `sip:${user}@sip.${base}` }),
      404,
    ]),
    [invite({ uri: `sip:\xff@${account.domain}` }), 404],
    [invite({ from: '<sip:\xff\xfe@example.com>' }), 400],
    [invite({ to: '<sip:\xff@example.com>' }), 400],
    [invite({ callId: '\xff\xfe' }), 400],
    [invite({ contact: '<sip:\xff@127.0.0.1>' }), 400],
    [invite({ contact: '<sip:anna@>' }), 400],
    [invite({ contact: '"Anna <sip:anna@127.0.0.1>' }), 400],
    ...['Record-Route: \xff', 'Session-Expires: abc', 'Min-SE: x', 'Expires: -1'].map((line): [string, number] => [
      invite({ extra: [line] }),
      400,
    ]),
  ]
  for (const [text, status] of unreadable) t.is((await answerTo(client, text, 'latin1')).status, status, text)

  // in bytes
  for (const [name, shown] of [
    ['"M\xc3\xbcller" ', '"M\u00fcller" '],
    ['"Anna \\"A\\" B" ', '"Anna \\"A\\" B" '],
    ['"M\xfcller" ', ''],
    [`"${'x'.repeat(3000)}" `, ''],
  ] as const) {
    const since = edge.asterisk.received.length
    const text = invite({ from: `${name}<sip:anna@example.com>`, tag: 'anna' })
    client.socket.send(Buffer.from(text, 'latin1'), client.server, '127.0.0.1')
    const arrived = await incoming(edge.asterisk, 'INVITE', since)
    edge.asterisk.reply(arrived, '486 Busy Here')
    t.is(header(arrived, 'from'), `${shown}<sip:anna@example.com>;tag=anna`)
  }
})
