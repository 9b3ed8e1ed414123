import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { BareCaller } from '../support/caller.ts'
import { flow } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { sdp } from './support.ts'

const head = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0']
const pcmu = 'a=rtpmap:0 PCMU/8000'
const crypto = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz'
const h264 = 'a=rtpmap:96 H264/90000'
const fax = (port: number): string[] => [`m=image ${port} udptl t38`, 'a=T38FaxVersion:0']

/** What is offered with these two ports, and to which of them sound has to come; undefined: it is refused. */
type Offer = [name: string, to: 0 | 1 | undefined, lines: (a: number, b: number) => string[]]

const offers: Offer[] = [
  ['SRTP before plain RTP', 1, (a, b) => [`m=audio ${a} RTP/SAVP 0`, pcmu, crypto, `m=audio ${b} RTP/AVP 0`, pcmu]],
  ['plain RTP before SRTP', 0, (a, b) => [`m=audio ${a} RTP/AVP 0`, pcmu, `m=audio ${b} RTP/SAVP 0`, pcmu, crypto]],
  ['AVPF before AVP', 1, (a, b) => [`m=audio ${a} RTP/AVPF 0`, pcmu, `m=audio ${b} RTP/AVP 0`, pcmu]],
  [
    'each profile, the plain one last',
    1,
    (a, b) => [
      ...[`m=audio ${a} UDP/TLS/RTP/SAVPF 0`, `m=audio ${a} RTP/SAVPF 0`, `m=audio ${a} RTP/SAVP 0`],
      ...[`m=audio ${a} RTP/AVPF 0`, `m=audio ${b} RTP/AVP 0`, pcmu],
    ],
  ],
  ['SRTP alone', undefined, (a) => [`m=audio ${a} RTP/SAVP 0`, pcmu, crypto]],
  ['audio, and a fax', 0, (a, b) => [`m=audio ${a} RTP/AVP 0`, pcmu, ...fax(b)]],
  ['a fax, and audio', 0, (a, b) => [...fax(b), `m=audio ${a}/1 RTP/AVP 0`, pcmu]],
  ['a fax alone', undefined, (a) => fax(a)],
  ['audio and video', 0, (a, b) => [`m=audio ${a} RTP/AVP 0`, pcmu, `m=video ${b} RTP/AVP 96`, h264]],
  ['video and audio', 0, (a, b) => [`m=video ${b} RTP/AVP 96`, h264, `m=audio ${a} RTP/AVP 0`, pcmu]],
  ['video alone', undefined, (_, b) => [`m=video ${b} RTP/AVP 96`, h264]],
  ['audio twice', 0, (a, b) => [`m=audio ${a} RTP/AVP 0`, pcmu, `m=audio ${b} RTP/AVP 8`]],
  ['audio that is refused, and another', 0, (a) => ['m=audio 0 RTP/AVP 0', `m=audio ${a} RTP/AVP 0`, pcmu]],
  ['audio that is refused', undefined, () => ['m=audio 0 RTP/AVP 0', pcmu]],
  ['recvonly', 0, (a) => [`m=audio ${a} RTP/AVP 0`, pcmu, 'a=recvonly']],
  [
    'a bundle with rtcp-mux',
    0,
    (a, b) => [
      ...['a=group:BUNDLE 0 1', `m=audio ${a} RTP/AVP 0`, pcmu, 'a=mid:0', 'a=rtcp-mux'],
      ...[`m=video ${b} RTP/AVP 96`, h264, 'a=mid:1', 'a=rtcp-mux'],
    ],
  ],
  [
    'BFCP and MSRP around audio',
    0,
    (a) => ['m=application 9 TCP/BFCP *', `m=audio ${a} RTP/AVP 0`, 'm=message 9 TCP/MSRP *'],
  ],
]

test('sound flows to whoever offers audio that there is, whatever else is offered; the others are refused', async (t) => {
  const setup = await setUp(t)
  const uri = await flow(setup, [['answer'], ['echo', { duration: 60_000 }]])
  for (const [name, to, lines] of offers) {
    const caller = await BareCaller.open(t, setup)
    const [a = 0, b = 0] = caller.ports
    const { status, body } = await caller.dial(uri, [...head, ...lines(a, b), ''].join('\r\n'))
    t.is(status, to === undefined ? 488 : 200, name)
    if (to === undefined) continue
    const count = (text: string) => text.split(/^m=/m).length - 1
    t.is(count(body), count(lines(a, b).join('\n')), `${name}: each stream has its answer`)
    const heard = await becomesTrue(3_000, async () => {
      caller.sound(to)
      return caller.heard[to]! >= 5
    })
    t.true(heard, `${name}: ${caller.heard.join(' and ')} packets`)
    await caller.bye()
  }
})

test('sound flows when the offer comes late, after a hold, and after a fax was tried', async (t) => {
  const setup = await setUp(t)
  const uri = await flow(setup, [['answer'], ['echo', { duration: 60_000 }]])
  const caller = await BareCaller.open(t, setup)
  const [a = 0, b = 0] = caller.ports
  const media = sdp('127.0.0.1', a)
  const hears = async (what: string) => {
    const before = caller.heard[0]!
    const heard = () => {
      caller.sound(0)
      return Promise.resolve(caller.heard[0]! >= before + 5)
    }
    t.true(await becomesTrue(10_000, heard), what)
  }
  const { body } = await caller.dial(uri, '', media)
  t.regex(body, /^m=audio/m)
  await hears('a late offer')
  for (const direction of ['inactive', 'sendonly', 'sendrecv'])
    t.is((await caller.change(`${media}a=${direction}\r\n`)).status, 200, direction)
  await hears('a hold')
  t.is((await caller.change([...head, ...fax(b), ''].join('\r\n'))).status, 488)
  await hears('a fax that was refused')
  t.is((await caller.change([...head, `m=audio ${a} RTP/AVP 0`, ...fax(b), ''].join('\r\n'))).status, 200)
  await hears('a fax beside')
  await caller.bye()
})
