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
    if (taken.has(port)) continue
    taken.add(port)
    return port
  }
}
