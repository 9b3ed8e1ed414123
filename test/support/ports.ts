import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const taken = new Set<number>()

/** A port of 127.0.0.1 that nobody uses for UDP, and that this process has not been given before. */
export async function freePort(address = '127.0.0.1'): Promise<number> {
  for (;;) {
    const socket = createSocket('udp4').bind(0, address)
    await once(socket, 'listening')
    const { port } = socket.address()
    socket.close()
    // baresip takes the next one for TLS.
    if ([port - 1, port, port + 1].some((near) => taken.has(near))) continue
    taken.add(port)
    return port
  }
}
