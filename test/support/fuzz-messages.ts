import type { Dice } from './dice.ts'

/** Whom the messages are for. */
export interface FuzzTarget {
  /** Kamailio’s port on 127.0.0.1. */
  port: number
  /** The port of the Asterisk behind it. */
  asterisk: number
  /** An address that exists, sip:direct.<hash>@sip.<base>. */
  direct: string
  /** sip:<extension>@<customer>.registrar.<base> */
  aor: string
}

const methods = [
  ...['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'REGISTER', 'UPDATE', 'INFO', 'PRACK', 'REFER', 'MESSAGE'],
  // the two that do the most here
  ...Array<string>(8).fill('INVITE'),
  ...Array<string>(4).fill('REGISTER'),
  ...['SUBSCRIBE', 'NOTIFY', 'PUBLISH', 'KDMQ', 'FOO', "!#%*_+`'~.-"],
]

const sdp = [
  ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'],
  ...['m=audio 4000 RTP/AVP 0 101', 'a=rtpmap:101 telephone-event/8000', 'a=sendrecv', ''],
].join('\r\n')

/** A message as it should be, of any kind that somebody could send to the edge. */
export function validMessage(dice: Dice, target: FuzzTarget): Buffer {
  if (dice.chance(0.15)) return response(dice, target)
  const method = dice.pick(methods)
  const uri = dice.pick(addresses(target))
  const [id, tag] = [dice.hex(8), dice.hex(4)]
  const to = method === 'REGISTER' ? target.aor : uri
  const inDialog = dice.chance(0.3)
  const body = dice.chance(0.4) ? sdp : ''
  const lines = [
    `${method} ${method === 'REGISTER' ? uri.replace(/[^:]+@/, '') : uri} SIP/2.0`,
    `Via: SIP/2.0/${dice.pick(['UDP', 'TCP'])} 127.0.0.1:${dice.port()};branch=z9hG4bK${dice.hex(8)};rport`,
    ...(dice.chance(0.2) ? [`Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK${id};received=127.0.0.1`] : []),
    `Max-Forwards: ${dice.pick(['70', '70', '70', '70', '1', '0'])}`,
    ...(inDialog ? [`Route: <sip:127.0.0.1:${target.port};lr;ftag=${tag};hashdial=1>`] : []),
    `From: ${dice.pick(['', '"Anna \\"A\\" B" ', 'Anna '])}<${method === 'REGISTER' ? target.aor : 'sip:anna@127.0.0.1'}>;tag=${tag}`,
    `To: <${to}>${inDialog ? `;tag=${dice.hex(4)}` : ''}`,
    `Call-ID: ${id}@127.0.0.1`,
    `CSeq: ${1 + dice.below(100)} ${method}`,
    `Contact: <sip:anna@127.0.0.1:${dice.port()};transport=udp>;expires=60;+sip.instance="<urn:uuid:${id}>"`,
    ...dice.some(furtherHeaders(target, method, uri, dice)),
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1')
}

const addresses = ({ port, asterisk, direct, aor }: FuzzTarget): string[] => [
  ...[`sip:127.0.0.1:${asterisk}`, direct, direct, direct],
  ...[direct, aor, direct.replace(/direct\.\w+/, 'direct.0123456789ab'), direct.replace(/direct\.\w+/, '+15551234567')],
  ...[aor.replace(/\.registrar\./, '.trunk.').replace(/:[^@]+/, ':+15551234567'), `sip:127.0.0.1:${port}`],
  ...[
    `sip:anna@127.0.0.1:${port};maddr=127.0.0.1;ttl=1`,
    'tel:+1-555-1234567;phone-context=+1',
    `sips:${direct.slice(4)}`,
  ],
]

function furtherHeaders(target: FuzzTarget, method: string, uri: string, dice: Dice): string[] {
  const digest = `username="anna", realm="hashdial.test", nonce="1-2.3-${dice.hex(16)}", uri="${uri}", response="${dice.hex(16)}", algorithm=MD5, qop=auth, nc=00000001, cnonce="${dice.hex(4)}"`
  return [
    ...[`Proxy-Authorization: Digest ${digest}`, `Authorization: Digest ${digest}`],
    ...['Expires: 60', 'Supported: path, replaces, timer', 'Require: 100rel', 'Proxy-Require: foo', 'RAck: 1 1 INVITE'],
    ...[`Path: <sip:127.0.0.1:${target.port};lr>`, `Record-Route: <sip:127.0.0.1:${target.port};lr;hashdial=1>`],
    ...[
      `Replaces: ${dice.hex(4)};to-tag=1;from-tag=2`,
      `Refer-To: <${uri}?Replaces=1%3Bto-tag%3D2>`,
      'Event: presence',
    ],
    ...[
      'Subject: ' + 'x'.repeat(dice.below(2000)),
      'User-Agent: fuzz/1.0',
      'X-Hashdial-Hops: 3',
      `Reason: SIP;cause=200`,
    ],
    ...[`P-Asserted-Identity: "Anna" <sip:+15551234567@127.0.0.1>, <tel:+15551234567>`, 'Privacy: id;header'],
    ...[
      `Session-Expires: 90;refresher=uac`,
      'Accept: application/sdp;level=1, */*',
      `Allow: ${method}`,
      'Date: Sat, 13 Nov 2010 23:29:00 GMT',
    ],
  ]
}

function response(dice: Dice, { port }: FuzzTarget): Buffer {
  const status = dice.pick([
    '100 Trying',
    '180 Ringing',
    '200 OK',
    '302 Moved',
    '407 Challenge',
    '503 Away',
    '699 ',
    '999 No',
  ])
  const lines = [
    `SIP/2.0 ${status}`,
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${dice.hex(2)}.${dice.hex(4)}.0;i=${dice.hex(1)}`,
    `Via: SIP/2.0/UDP 127.0.0.1:${dice.port()};branch=z9hG4bK${dice.hex(8)};rport=${dice.port()};received=127.0.0.1`,
    ...[`From: <sip:anna@127.0.0.1>;tag=${dice.hex(4)}`, `To: <sip:anna@127.0.0.1>;tag=${dice.hex(4)}`],
    ...[
      `Call-ID: ${dice.hex(8)}`,
      `CSeq: 1 ${dice.pick(methods)}`,
      'Contact: <sip:anna@127.0.0.1>',
      'Content-Length: 0',
    ],
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

const bytes = (hex: string): Buffer => Buffer.from(hex.replace(/\s/g, ''), 'hex')
const text = (value: string): Buffer => Buffer.from(value, 'latin1')

/** What other protocols send to any port that is open. */
export const notSip: readonly Buffer[] = [
  ...[text(''), text('\0'), Buffer.alloc(1500), text('\r\n\r\n'), text('\r\n'), text(' ')],
  text('POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n'),
  text('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'),
  text('GET / HTTP/1.1\r\nVia: SIP/2.0/UDP 127.0.0.1:9\r\nContent-Length: 0\r\n\r\n'),
  text('PUT /x HTTP/1.0\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n'),
  text('HTTP/1.1 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:9\r\nContent-Length: 0\r\n\r\n'),
  text('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  text(
    'GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: MTIz\r\nSec-WebSocket-Protocol: sip\r\n\r\n',
  ),
  text('PROXY TCP4 192.0.2.1 192.0.2.2 5060 5060\r\n'),
  bytes('0d0a0d0a000d0a515549540a 2111000c c0000201 c0000202 13c4 13c4'), // PROXY version 2
  bytes('1603010200010001fc0303' + '00'.repeat(32) + '20' + '11'.repeat(32) + '0002c02f0100'), // TLS ClientHello
  bytes('000100002112a442' + '00'.repeat(12)), // STUN Binding
  bytes('000300082112a442' + '00'.repeat(12) + '0019000411000000'), // TURN Allocate
  bytes('123401000001000000000000 03777777 07 6578616d706c65 03636f6d 00 0001 0001'), // DNS
  bytes('80000001000000a000000001' + 'ff'.repeat(160)), // RTP
  bytes('80c8000600000001' + '00'.repeat(20)), // RTCP
  bytes('80010000000000100000000000000000'), // T.38 or anything
  text('SSH-2.0-OpenSSH_9.9\r\n'),
  text('EHLO example.com\r\n'),
  text('stats\r\n'),
  bytes('030000130ee000000000000100080003000000'), // RDP
  bytes('00000054ff534d4272' + '00'.repeat(60)), // SMB
  text('d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe'), // BitTorrent DHT
  text('M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\n\r\n'),
]
