import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import WebSocket from 'ws'
import { AriError, type AriEvent } from './types.ts'

const requestTimeout = 5_000
const pingInterval = 2_000
const pongTimeout = 6_000

interface Pending {
  resolve: (body: string) => void
  reject: (error: AriError) => void
  timer: NodeJS.Timeout
}

interface Response {
  type: 'RESTResponse'
  request_id: string
  status_code: number
  reason_phrase: string
  message_body?: string
}

export interface SocketEvents {
  event: (event: AriEvent) => void
  /** The socket is gone, for whatever reason; requests under way were rejected before. */
  close: (reason: string) => void
}

/**
 * One WebSocket to one Asterisk: events come in, and REST requests go out over it ("ARI REST over WebSocket", Asterisk
 * 22.5 and later), which costs a third of an HTTP request on both sides.
 * A socket that does not answer a ping in time is ended: TCP alone would take minutes to see that a peer is gone.
 */
export class AriSocket {
  readonly #socket: WebSocket
  readonly #pending = new Map<string, Pending>()
  readonly #watchdog: NodeJS.Timeout
  #lastPong = Date.now()
  #requests = 0
  #corked = false
  readonly #name = randomUUID().slice(0, 8)

  private constructor(
    socket: WebSocket,
    readonly stream: Pick<Socket, 'cork' | 'uncork'>,
    readonly events: SocketEvents,
  ) {
    this.#socket = socket
    this.#watchdog = setInterval(() => this.#ping(), pingInterval)
    socket.on('pong', () => (this.#lastPong = Date.now()))
    socket.on('message', (data: Buffer) => this.#message(data.toString()))
    socket.on('error', () => socket.terminate())
    socket.on('close', (code, reason) => this.#closed(`closed by Asterisk (${code} ${reason.toString()})`.trim()))
  }

  /** Opens a socket for the application, or rejects with AriError: 401 for a wrong user, 0 where nobody answers. */
  static open(url: URL, application: string, events: SocketEvents): Promise<AriSocket> {
    const target = new URL(`/ari/events?app=${application}`, url)
    target.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    const auth = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
    target.username = target.password = ''
    return new Promise((resolve, reject) => {
      let stream: Socket | undefined
      const socket = new WebSocket(target, { auth, handshakeTimeout: requestTimeout, perMessageDeflate: false })
      socket.once('unexpected-response', (_request, response) => {
        reject(
          new AriError(response.statusCode ?? 0, `Asterisk refused the ARI WebSocket: HTTP ${response.statusCode}`),
        )
        socket.terminate()
      })
      socket.once('error', (error) => reject(new AriError(0, error.message)))
      socket.once('upgrade', (response) => (stream = response.socket))
      socket.once('open', () => resolve(new AriSocket(socket, stream!, events)))
    })
  }

  /** Sends one REST request; resolves with the body. `uri` is relative to /ari/ and carries the query. */
  request(method: string, uri: string, body?: string): Promise<string> {
    const id = `${this.#name}-${++this.#requests}`
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) return reject(new AriError(0, 'Asterisk is not connected'))
      const timer = setTimeout(() => {
        this.#pending.delete(id)
        reject(new AriError(0, `Asterisk did not answer ${method} ${uri} within ${requestTimeout} ms`))
      }, requestTimeout)
      this.#pending.set(id, { resolve, reject, timer })
      const message = { type: 'RESTRequest', transaction_id: id, request_id: id, method, uri }
      const content = body === undefined ? {} : { content_type: 'application/json', message_body: body }
      this.#cork()
      this.#socket.send(JSON.stringify({ ...message, ...content }))
    })
  }

  close(): void {
    this.#socket.terminate()
  }

  /** What is sent in one turn of the event loop leaves in one system call, which is what a request costs most. */
  #cork(): void {
    if (this.#corked) return
    this.#corked = true
    this.stream.cork()
    setImmediate(() => {
      this.#corked = false
      this.stream.uncork()
    })
  }

  #message(text: string): void {
    const message = parse(text)
    if (!message) return this.#socket.terminate()
    if (message.type === 'RESTResponse') this.#answered(message as Response)
    else this.events.event(message)
  }

  #answered(response: Response): void {
    const pending = this.#pending.get(response.request_id)
    if (!pending) return
    this.#pending.delete(response.request_id)
    clearTimeout(pending.timer)
    const body = response.message_body ?? ''
    if (response.status_code < 300) pending.resolve(body)
    else pending.reject(new AriError(response.status_code, `${response.status_code} ${response.reason_phrase} ${body}`))
  }

  #ping(): void {
    if (Date.now() - this.#lastPong > pongTimeout) this.#socket.terminate()
    else this.#socket.ping()
  }

  #closed(reason: string): void {
    clearInterval(this.#watchdog)
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer)
      reject(new AriError(0, reason))
    }
    this.#pending.clear()
    this.events.close(reason)
  }
}

/** `undefined` for what is not JSON: whatever that is on the other side, it is no Asterisk. */
function parse(text: string): Response | AriEvent | undefined {
  try {
    return JSON.parse(text) as Response | AriEvent
  } catch {
    return undefined
  }
}
