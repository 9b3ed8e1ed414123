import test from 'ava'
import { header } from '../support/sip.ts'
import { Edge, incoming } from './edge.ts'

const refused = [
  ...['hello', '', '<sip:x', '<sip:a@b>;;', '<sip:a@[::1>'].map((value) => `Record-Route: ${value}`),
  ...['///', 'x', 'application/sdp;"', '"a"/b'].map((value) => `Content-Type: ${value}`),
  ...['Session-Expires: 1800;x="', 'Min-SE: 90;"'],
]

const contacts = ['<sip:a@192.0.2.1;b =c>', '<sip:a@192.0.2.1?b=c>']

const leftOut = [
  ...['Digest', '', 'Basic x', 'Digest username="x'].flatMap((value) => [
    `Authorization: ${value}`,
    `Proxy-Authorization: ${value}`,
  ]),
  ...[
    'WWW-Authenticate: x',
    'Proxy-Authenticate: Digest',
    'Event: ',
    'o: ;;',
    'Subscription-State: ',
    'Min-Expires: x',
  ],
]

const passed = [
  'Record-Route: <sip:192.0.2.1;lr>, "A, B" <sip:p@[2001:db8::1]:5080;lr=on;ftag=a>;x=y',
  'Content-Type: multipart/mixed; boundary="a b"',
  'Content-Type: APPLICATION/SDP ; charset=utf-8',
  'Session-Expires: 1800 ;refresher=uac',
]

test('a header that Asterisk could not read is refused at once, or left out where it says nothing to it', async (t) => {
  const edge = await Edge.open(t)
  const [client, account] = [await edge.client(), await edge.account()]
  const invite = (line: string) => client.request('INVITE', { uri: account.direct, extra: [line] }, 2_000)
  for (const line of refused) t.is((await invite(line)).status, 400, line)
  for (const contact of contacts)
    t.is((await client.request('INVITE', { uri: account.direct, contact }, 2_000)).status, 400, contact)
  for (const line of [...leftOut, ...passed]) {
    const since = edge.asterisk.received.length
    const answered = invite(line)
    const arrived = await incoming(edge.asterisk, 'INVITE', since)
    edge.asterisk.reply(arrived, '486 Busy Here')
    t.is((await answered).status, 486, line)
    const [name = '', value] = line.split(/: ?/, 2)
    t.is(header(arrived, name) !== '' && arrived.text.includes(`${name}: ${value}`), passed.includes(line), line)
  }
})
