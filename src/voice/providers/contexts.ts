import { randomUUID } from 'node:crypto'
import type { WebSocket } from 'ws'
import { Arriving } from '../arriving.ts'
import { fromBytes, type Pcm } from '../pcm.ts'
import { openSocket, serviceFailed, type Service } from '../socket.ts'

/** How a service says what; `rate` is that of its 16-bit samples. */
export interface Contexts {
  readonly service: Service
  readonly rate: number
  /** What is sent to have a text spoken. */
  begin(id: string, text: string): object[]
  /** What is sent when nobody wants it any more. */
  cancel(id: string): object
  /** What a message says, and about which text. */
  read(data: Buffer): { id?: string; audio?: string; isLast?: boolean; isError?: boolean }
}

/** How long nothing may come, in milliseconds. */
const idleMs = 10_000

/**
 * Texts that are spoken over one WebSocket, each in a context of its own: the socket stays open, so that only the first
 * one waits for it. What still comes of a context that was given up is not heard.
 */
class ContextSocket {
  #opening: Promise<WebSocket> | undefined
  readonly #streams = new Map<string, Arriving<Pcm>>()
  readonly #end = new AbortController()

  constructor(readonly contexts: Contexts) {}

  async *speak(text: string, signal: AbortSignal): AsyncGenerator<Pcm> {
    const { contexts } = this
    const socket = await this.#socket()
    signal.throwIfAborted()
    const id = randomUUID()
    const stream = new Arriving<Pcm>()
    this.#streams.set(id, stream)
    const abort = () => stream.fail(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    let timer = this.#watch(stream)
    try {
      for (const message of contexts.begin(id, text)) socket.send(JSON.stringify(message))
      for await (const sound of stream) {
        clearTimeout(timer)
        yield sound
        timer = this.#watch(stream)
      }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      if (this.#streams.delete(id) && socket.readyState === 1) socket.send(JSON.stringify(contexts.cancel(id)))
    }
  }

  close(): Promise<void> {
    this.#end.abort()
    return Promise.resolve()
  }

  #watch(stream: Arriving<Pcm>): NodeJS.Timeout {
    return setTimeout(() => stream.fail(serviceFailed(this.contexts.service.name, 'said nothing')), idleMs)
  }

  #socket(): Promise<WebSocket> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #open(): Promise<WebSocket> {
    const { service } = this.contexts
    const socket = await openSocket(service, this.#end.signal)
    socket.on('message', (data: Buffer) => this.#told(data))
    socket.on('close', () => {
      this.#opening = undefined
      for (const stream of this.#streams.values()) stream.fail(serviceFailed(service.name, 'closed the connection'))
    })
    return socket
  }

  #told(data: Buffer): void {
    const { contexts } = this
    const { id = '', audio, isLast, isError } = contexts.read(data)
    const stream = this.#streams.get(id)
    if (isError) (stream ?? [...this.#streams.values()][0])?.fail(serviceFailed(contexts.service.name, 'failed'))
    if (!stream) return
    if (audio) stream.add({ samples: fromBytes(Buffer.from(audio, 'base64')), rate: contexts.rate })
    if (!isLast) return
    this.#streams.delete(id)
    stream.end()
  }
}

/** One for each way to speak that a service wants a connection, or a configuration, of its own for. */
export class ContextSockets {
  readonly #sockets = new Map<string, ContextSocket>()

  speak(key: string, make: () => Contexts, text: string, signal: AbortSignal): AsyncIterable<Pcm> {
    const socket = this.#sockets.get(key) ?? new ContextSocket(make())
    this.#sockets.set(key, socket)
    return socket.speak(text, signal)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sockets.values()].map((socket) => socket.close()))
  }
}
