import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import { WebSocketServer, type WebSocket } from 'ws'

export type Message = Record<string, unknown>

export interface Service {
  url: string
  requests: IncomingMessage[]
  messages: Message[]
  /** How many bytes of sound came. */
  bytes(): number
  sockets: WebSocket[]
}

/** A service that answers each message as `answer` says. */
export async function service(
  t: ExecutionContext,
  answer: (message: Message, tell: (message: object) => void, socket: WebSocket) => void,
): Promise<Service> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  let bytes = 0
  const made: Omit<Service, 'bytes'> = {
    ...{ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: [], messages: [], sockets: [] },
  }
  server.on('connection', (socket, request) => {
    made.requests.push(request)
    made.sockets.push(socket)
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) return void (bytes += data.length)
      const message = JSON.parse(data.toString()) as Message
      made.messages.push(message)
      answer(message, (reply) => socket.send(JSON.stringify(reply)), socket)
    })
  })
  t.teardown(() => {
    for (const socket of made.sockets) socket.terminate()
    server.close()
  })
  return { ...made, bytes: () => bytes }
}
