import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/**
 * A wire to MySQL that can be cut (connections end, new ones are refused), left hanging (nothing comes through, also not by
 * new connections, as with a server that is frozen), or silenced: a firewall that has forgotten the connections there are.
 */
export class Wire {
  #sockets = new Set<Socket>()
  #lost = new Set<Socket>()
  #mode: 'on' | 'cut' | 'hanging' = 'on'

  private constructor(readonly port: number) {}

  static async open(to: number): Promise<Wire> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const wire = new Wire((server.address() as { port: number }).port)
    server.on('connection', (socket) => wire.#connected(socket, to))
    wire.close = () => {
      server.close()
      wire.cut()
      for (const socket of wire.#lost) socket.destroy()
    }
    return wire
  }

  close(): void {}

  cut(): void {
    this.#mode = 'cut'
    for (const socket of this.#sockets) socket.destroy()
  }

  hang(): void {
    this.#mode = 'hanging'
    for (const socket of this.#sockets) socket.pause()
  }

  /** What is connected now never hears anything again, whatever is mended; who connects anew is served. */
  silence(): void {
    for (const socket of this.#sockets) {
      socket.removeAllListeners('data')
      socket.resume()
      socket.removeAllListeners('close')
    }
    this.#lost = new Set([...this.#lost, ...this.#sockets])
    this.#sockets.clear()
  }

  mend(): void {
    this.#mode = 'on'
    for (const socket of this.#sockets) socket.resume()
  }

  #connected(socket: Socket, to: number): void {
    if (this.#mode === 'cut') return void socket.destroy()
    const mysql = connect(to, '127.0.0.1')
    for (const [one, other] of [
      [socket, mysql],
      [mysql, socket],
    ] as const) {
      this.#sockets.add(one)
      one.on('data', (chunk: Buffer) => other.write(chunk))
      one.on('error', () => other.destroy())
      one.on('close', () => {
        this.#sockets.delete(one)
        other.destroy()
      })
      if (this.#mode === 'hanging') one.pause()
    }
  }
}
