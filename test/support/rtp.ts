import type { ExecutionContext } from 'ava'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const events = '0123456789*#ABCD'

export interface RtpEar {
  port: number
  /** What to offer, so that sound and keys come here. */
  sdp: string
  /** The keys that came (RFC 4733), each once. */
  keys(): string
  /** How many packets with sound came. */
  packets(): number
}

/** A bare RTP receiver. */
export async function rtpEar(t: ExecutionContext): Promise<RtpEar> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  const keys = new Map<number, string>()
  let packets = 0
  socket.on('message', (packet) => {
    const type = packet[1]! & 0x7f
    if (type === 0) packets++
    // The packets of one key have one time stamp.
    if (type === 101) keys.set(packet.readUInt32BE(4), events[packet[12]!] ?? '?')
  })
  const { port } = socket.address()
  const lines = [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP 0 101`,
  ]
  const sdp = [...lines, 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:101 telephone-event/8000', ''].join('\r\n')
  return { port, sdp, keys: () => [...keys.values()].join(''), packets: () => packets }
}
