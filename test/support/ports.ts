import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

const taken = new Set<number>()

/** Above the stacks' ports, below what the kernel gives to outgoing connections. */
const first = 30_000
const count = 2_700

/** A port of 127.0.0.1 that nobody uses, for UDP or TCP, and that this process has not been given before. */
export async function freePort(address = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = first + Math.floor(Math.random() * count)
    // baresip takes the next one for TLS.
    if ([port - 1, port, port + 1].some((near) => taken.has(near))) continue
    taken.add(port)
    if ((await isFree(port, address)) && (await isFree(port + 1, address))) return port
  }
}

async function isFree(port: number, address: string): Promise<boolean> {
  try {
    const udp = createSocket('udp4').bind(port, address)
    await once(udp, 'listening')
    udp.close()
    const tcp = createServer().listen(port, address)
    await once(tcp, 'listening')
    tcp.close()
    return true
  } catch {
    return false
  }
}
