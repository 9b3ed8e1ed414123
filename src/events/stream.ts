import type { WebSocket } from 'ws'
import { isDatabaseAway, type DataSource } from '../database.ts'
import type { Logger } from '../log.ts'
import { lastSequences } from './feed.ts'
import { closing, Subscriber } from './subscriber.ts'

interface Options {
  database: DataSource
  log: Logger
  /** Connections that one customer may have to this process. */
  perCustomer: number
  /** Which of these tokens still work. */
  goodTokens(hashes: readonly string[]): Promise<ReadonlySet<string>>
}

/** How often it is asked for new events where nobody says that there are some: another process may have numbered them. */
const lookMs = 250
const checkTokensMs = 3_000
const heartbeatMs = 30_000

/** The clients of the stream of events. Nothing is kept for one that does not read, but the number that it has got to. */
export class Stream {
  readonly #options: Options
  readonly #subscribers = new Set<Subscriber>()
  readonly #timers: NodeJS.Timeout[]
  readonly #alive = new WeakSet<Subscriber>()
  #looking: Promise<void> | undefined

  constructor(options: Options) {
    this.#options = options
    this.#timers = [
      setInterval(() => this.look(), lookMs).unref(),
      setInterval(() => void this.#checkTokens(), checkTokensMs).unref(),
      setInterval(() => this.#heartbeat(), heartbeatMs).unref(),
    ]
  }

  hasRoomFor(customer: string): boolean {
    return [...this.#subscribers].filter((one) => one.customer === customer).length < this.#options.perCustomer
  }

  add(socket: WebSocket, customer: string, tokenHash: string): void {
    const subscriber = new Subscriber(socket, customer, tokenHash, this.#options.database)
    this.#subscribers.add(subscriber)
    this.#alive.add(subscriber)
    socket.on('message', (data: Buffer, isBinary) => subscriber.take(isBinary ? '' : data.toString()))
    socket.on('pong', () => this.#alive.add(subscriber))
    socket.on('close', () => this.#subscribers.delete(subscriber))
    socket.on('error', () => socket.terminate())
  }

  /** There may be new events. */
  look(): void {
    this.#looking ??= this.#send().finally(() => (this.#looking = undefined))
  }

  /** Ends every connection; clients resume at another process. */
  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
    for (const { socket } of this.#subscribers) {
      socket.close(1001, 'Hashdial is being stopped')
      setTimeout(() => socket.terminate(), 1_000).unref()
    }
  }

  async #send(): Promise<void> {
    if (this.#subscribers.size === 0) return
    const customers = [...new Set([...this.#subscribers].map(({ customer }) => customer))]
    try {
      const last = await lastSequences(this.#options.database, customers)
      // Not awaited: one that has much to read holds up nobody.
      for (const one of this.#subscribers) one.send(last.get(one.customer) ?? 0).catch(this.#failed)
    } catch (error) {
      this.#failed(error)
    }
  }

  async #checkTokens(): Promise<void> {
    const hashes = [...new Set([...this.#subscribers].map(({ tokenHash }) => tokenHash))]
    if (hashes.length === 0) return
    try {
      const good = await this.#options.goodTokens(hashes)
      for (const { socket, tokenHash } of this.#subscribers)
        if (hashes.includes(tokenHash) && !good.has(tokenHash))
          end(socket, closing.unauthorized, 'the access key was deleted or has expired')
    } catch (error) {
      this.#failed(error)
    }
  }

  #heartbeat(): void {
    for (const one of this.#subscribers) {
      if (!this.#alive.delete(one) || one.isStuck()) end(one.socket, closing.slow, 'the client does not read')
      else {
        one.socket.ping()
        one.heartbeat()
      }
    }
  }

  readonly #failed = (error: unknown): void => {
    if (!isDatabaseAway(error))
      this.#options.log.warn({ err: error as Error }, 'events were not streamed; they come later')
  }
}

/** Also one that does not read is gone in the end. */
function end(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason)
  setTimeout(() => socket.terminate(), 2_000).unref()
}
