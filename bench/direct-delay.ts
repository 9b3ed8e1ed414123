import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

const rounds = 300

/**
 * The median time, in milliseconds, from an INVITE sent to the edge until its INVITE arrives at the device, for two
 * addresses in turn. One process is caller and device, so one clock measures both ends. The device declines.
 */
export async function measureDelay(
  edgePort: number,
  base: string,
  devicePort: number,
  floor: string,
  direct: string,
): Promise<{ floor: number; direct: number }> {
  const caller = await bind(0)
  const device = await bind(devicePort)
  const times = { floor: [] as number[], direct: [] as number[] }
  let lost = 0
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [name, address] of [['floor', floor] as const, ['direct', direct] as const]) {
        const time = await exchange(caller, device, edgePort, `sip:${address}@sip.${base}`, `${name}${round}`)
        if (time === undefined) lost++
        else if (round >= rounds / 10) times[name].push(time) // the first are for warming up
      }
    }
    // A phone would have sent it again.
    if (lost > rounds / 50) throw new Error(`${lost} of ${2 * rounds} calls did not reach the device`)
  } finally {
    caller.close()
    device.close()
  }
  return { floor: median(times.floor), direct: median(times.direct) }
}

/** A call that the device declines: how long its INVITE was on the way; `undefined` when a message was lost. */
async function exchange(caller: Socket, device: Socket, edge: number, uri: string, id: string) {
  const { port } = caller.address()
  const arrived = next(device, (text) => text.startsWith('INVITE ') && text.includes(`sip:${id}@`))
  const refused = next(caller, (text) => /^SIP\/2.0 [3-6]/.test(text) && text.includes(`${id}-delay`))
  const head = (method: string, to: string) =>
    `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${id}\r\nMax-Forwards: 70\r\n` +
    `From: <sip:${id}@127.0.0.1>;tag=${id}\r\nTo: ${to}\r\nCall-ID: ${id}-delay\r\nCSeq: 1 ${method}\r\n`
  const sdp =
    'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 39998 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n'
  const start = performance.now()
  caller.send(
    `${head('INVITE', `<${uri}>`)}Contact: <sip:${id}@127.0.0.1:${port}>\r\nContent-Type: application/sdp\r\n` +
      `Content-Length: ${sdp.length}\r\n\r\n${sdp}`,
    ...([edge, '127.0.0.1'] as const),
  )
  const invite = await arrived
  const time = performance.now() - start
  if (invite) decline(device, invite.text, invite.port)
  const answer = await refused
  if (!invite || !answer) return undefined
  const { text } = answer
  caller.send(`${head('ACK', /^To: (.*)\r$/m.exec(text)?.[1] ?? '')}Content-Length: 0\r\n\r\n`, edge, '127.0.0.1')
  return time
}

function decline(device: Socket, invite: string, port: number): void {
  const kept = invite.split('\r\n').filter((line) => /^(Via|From|Call-ID|CSeq|Record-Route):/i.test(line))
  const to = /^To: (.*)\r$/m.exec(invite)?.[1] ?? ''
  const lines = ['SIP/2.0 486 Busy Here', ...kept, `To: ${to};tag=device`, 'Content-Length: 0', '', '']
  device.send(lines.join('\r\n'), port, '127.0.0.1')
}

function next(socket: Socket, wanted: (text: string) => boolean): Promise<{ text: string; port: number } | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => done(() => resolve(undefined)), 5_000)
    const listener = (data: Buffer, { port }: { port: number }) => {
      const text = data.toString()
      if (wanted(text)) done(() => resolve({ text, port }))
    }
    const done = (settle: () => void) => {
      clearTimeout(timer)
      socket.off('message', listener)
      settle()
    }
    socket.on('message', listener)
  })
}

async function bind(port: number): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}
