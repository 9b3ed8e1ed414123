import type { WebSocket } from 'ws'
import { Budgets } from '../budgets.ts'
import type { DataSource } from '../database.ts'
import { rangeOf, readAfter } from './feed.ts'
import { matches, maxTopicLength, topicPattern } from './topics.ts'

/** What waits to be sent to a client, in bytes, when no more is read for it. */
const maxBufferedBytes = 262_144
/** How long a client may leave that unread. */
const unreadMs = 30_000
const maxTopics = 100
const messagesPerSecond = 10

/** Why a connection is closed (RFC 6455, 7.4: 4000 and above are ours). */
export const closing = { tooManyMessages: 1008, slow: 4408, unauthorized: 4401, tooMany: 4429 } as const

class Refusal extends Error {
  constructor(
    readonly reason: string,
    message: string,
  ) {
    super(message)
  }
}

/** One client of the stream: what it wants, and how far it has read. Events are read from the table as it reads them. */
export class Subscriber {
  readonly #topics = new Set<string>()
  readonly #budget = new Budgets(messagesPerSecond)
  /** Undefined until the first subscription. */
  #place: number | undefined
  /** What the client asks is done in its order. */
  #asked: Promise<void> = Promise.resolve()
  #isSending = false
  #fullSince: number | undefined

  constructor(
    readonly socket: WebSocket,
    readonly customer: string,
    readonly tokenHash: string,
    readonly database: DataSource,
  ) {}

  /** A message of the client. */
  take(text: string): void {
    if (this.#budget.take('', 1) > 0) return this.socket.close(closing.tooManyMessages, 'too many messages')
    this.#asked = this.#asked.then(() => this.#answer(text)).catch((error: unknown) => this.#refuse(error))
  }

  /** Sends what there is up to `last`, and stops where the client does not read. */
  async send(last: number): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    try {
      while (this.#topics.size > 0 && this.#place !== undefined && this.#place < last && this.#hasRoom()) {
        const place = this.#place
        const { events, until } = await readAfter(this.database, this.customer, place, (type) =>
          matches([...this.#topics], type),
        )
        if (until === place) return
        this.#place = until
        this.#fullSince = undefined
        for (const event of events) this.#tell({ ...event })
      }
    } finally {
      this.#isSending = false
    }
  }

  /** Is it a client that does not read? */
  isStuck(now = performance.now()): boolean {
    if (this.#hasRoom()) this.#fullSince = undefined
    else this.#fullSince ??= now
    return this.#fullSince !== undefined && now - this.#fullSince > unreadMs
  }

  heartbeat(): void {
    if (this.#hasRoom()) this.#tell({ type: 'heartbeat', sequence: this.#place ?? null })
  }

  #hasRoom(): boolean {
    return this.socket.readyState === this.socket.OPEN && this.socket.bufferedAmount < maxBufferedBytes
  }

  async #answer(text: string): Promise<void> {
    const { type, topics, after } = parse(text)
    if (type === 'unsubscribe') {
      for (const topic of topics) this.#topics.delete(topic)
    } else {
      if (new Set([...this.#topics, ...topics]).size > maxTopics)
        throw new Refusal('INVALID_ARGUMENT', `at most ${maxTopics} topics are possible`)
      await this.#find(after)
      for (const topic of topics) this.#topics.add(topic)
    }
    this.#tell({ type: `${type}d`, topics: [...this.#topics], sequence: this.#place ?? null })
  }

  /** A connection has one place: with a second one the same event would come twice. */
  async #find(after: number | undefined): Promise<void> {
    if (this.#place !== undefined) {
      if (after === undefined) return
      throw new Refusal('INVALID_ARGUMENT', 'only the first subscription of a connection may have "after"')
    }
    const { first, last } = await rangeOf(this.database, this.customer)
    if (after !== undefined && after > last)
      throw new Refusal('INVALID_ARGUMENT', `there is no event ${after} yet; the last one is ${last}`)
    if (after !== undefined && after < first - 1)
      throw new Refusal(
        'EVENTS_GONE',
        `events are kept from ${first} on: read what you need anew, and subscribe without "after"`,
      )
    this.#place = after ?? last
  }

  #refuse(error: unknown): void {
    const { reason, message } =
      error instanceof Refusal ? error : new Refusal('DATABASE_UNAVAILABLE', 'the database is away: try again')
    if (this.#hasRoom()) this.#tell({ type: 'error', reason, message })
  }

  #tell(message: object): void {
    this.socket.send(JSON.stringify(message))
  }
}

interface Message {
  type: 'subscribe' | 'unsubscribe'
  topics: string[]
  after?: number
}

function parse(text: string): Message {
  const how =
    'send {"type": "subscribe", "topics": ["call", "queue"], "after": <sequence>} or {"type": "unsubscribe", …}'
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    throw new Refusal('INVALID_JSON_BODY', `this is no JSON: ${how}`)
  }
  if (typeof message !== 'object' || message === null) throw new Refusal('INVALID_ARGUMENT', how)
  const { type, topics, after, ...rest } = message as Record<string, unknown>
  const unknown = Object.keys(rest)[0]?.slice(0, 60)
  if (unknown !== undefined) throw new Refusal('INVALID_ARGUMENT', `"${unknown}" is not known: ${how}`)
  if (type !== 'subscribe' && type !== 'unsubscribe') throw new Refusal('INVALID_ARGUMENT', `"type" is wrong: ${how}`)
  if (!Array.isArray(topics) || topics.length === 0 || !topics.every(isTopic))
    throw new Refusal('INVALID_ARGUMENT', '"topics" must be a list of types (call_hangup) or resources (call)')
  const isNumber = Number.isSafeInteger(after) && (after as number) >= 0
  if (after !== undefined && (!isNumber || type === 'unsubscribe'))
    throw new Refusal('INVALID_ARGUMENT', '"after" must be the sequence of an event, and goes with "subscribe"')
  return { type, topics, ...(after !== undefined && { after: after as number }) }
}

function isTopic(value: unknown): value is string {
  return typeof value === 'string' && value.length <= maxTopicLength && topicPattern.test(value)
}
