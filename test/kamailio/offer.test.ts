import test from 'ava'
import { Edge, incoming } from './edge.ts'

const image = 'm=image 5000 udptl t38'
const srtp = 'm=audio 4000 RTP/SAVP 0'
const plain = 'm=audio 4002 RTP/AVP 0'

test('an offer reaches Asterisk as it is, but for streams that it would stumble over', async (t) => {
  const edge = await Edge.open(t)
  const [account, caller] = [await edge.account(), await edge.client()]
  const noise = 'a=x:'.padEnd(20_000, '\\0 m=image 1 ')
  for (const [body, expected] of [
    [`${plain}\r\n${image}\r\n`, `${plain}\r\nm=image 0 udptl t38\r\n`],
    [`${image}\n${image}`, 'm=image 0 udptl t38\nm=image 0 udptl t38'],
    [`${srtp}\r\n${plain}\r\n`, `m=audio 0 RTP/SAVP 0\r\n${plain}\r\n`],
    [`${srtp}\r\n${srtp}\r\n`, `${srtp}\r\n${srtp}\r\n`],
    [`${srtp}\r\nm=audio 0 RTP/AVP 0\r\n`, `${srtp}\r\nm=audio 0 RTP/AVP 0\r\n`],
    [`s=${image}\r\nm=image 99999999999999999999/9 x\r\n`, `s=${image}\r\nm=image 0 x\r\n`],
    ['m=image ', 'm=image '],
    ['m=image 1', 'm=image 1'],
    ['m=audio 1 RTP/AVP \r\nm=audio 1 TCP/ \r\n', 'm=audio 1 RTP/AVP \r\nm=audio 0 TCP/ \r\n'],
    [`${noise}\r\n${image}\r\n`, `${noise}\r\nm=image 0 udptl t38\r\n`],
    ['\0\r\nm=image 1 x', '\0\r\nm=image 1 x'],
    ['', ''],
  ] as const) {
    const since = edge.asterisk.received.length
    const answered = caller.request('INVITE', { uri: account.direct, body })
    const invite = await incoming(edge.asterisk, 'INVITE', since)
    t.is(invite.body, expected)
    t.is(Number(invite.headers.get('content-length')?.[0]), Buffer.byteLength(expected))
    edge.asterisk.reply(invite, '486 Busy Here')
    t.is((await answered).status, 486)
  }
})
