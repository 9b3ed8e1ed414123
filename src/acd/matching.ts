import { databaseState, transaction } from '../database.ts'
import type { Logger } from '../log.ts'
import { endWrapUps } from './agents.ts'
import { lost, offerNext, type Offered } from './match.ts'
import type { Store } from './queuecall.ts'

/** How often it is asked, while somebody waits, whether another process has made an offer, or has freed an agent. */
const askMs = 150

/** How often it is looked for everything that nobody has told. */
const lookMs = 1_000

/** How often a match that somebody else was faster at is tried again at once. */
const triesMax = 5

interface MatchingHouse {
  readonly store: Store
  readonly log: Logger
  /** The queues in which callers of this process wait. */
  queues(): Iterable<string>
  offered(offered: Offered): void
  /** Changes whenever an agent of these queues is available, or somebody in them was offered. */
  latest(): Promise<string>
  /** Finds offers that another process has made. */
  lookForOffers(): Promise<void>
  /** Once a second. */
  look(): Promise<void>
}

/** Finds agents for callers as soon as there may be one: it is told when, and looks once a second besides. */
export class Matching {
  readonly #running = new Map<string, Promise<void>>()
  readonly #again = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #isOver = false
  #looked = -Infinity
  #latest = ''

  constructor(readonly house: MatchingHouse) {}

  /** Asks and looks from now on. */
  start(): void {
    this.#timer ??= setTimeout(() => void this.#tick(), askMs).unref()
  }

  stop(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  /** Somebody waits in this queue, or an agent of it is free. */
  wake(queueId: string): void {
    this.#again.add(queueId)
    if (this.#running.has(queueId)) return
    const running = this.#match(queueId)
      .catch((err: unknown) => this.#warn(err))
      .finally(() => this.#running.delete(queueId))
    this.#running.set(queueId, running)
  }

  wakeAll(): void {
    for (const queueId of new Set(this.house.queues())) this.wake(queueId)
  }

  /** After this time an agent is free again. */
  wakeAfter(milliseconds: number): void {
    const timer = setTimeout(() => void this.#endWrapUps().catch((err: unknown) => this.#warn(err)), milliseconds + 5)
    timer.unref()
  }

  async #match(queueId: string): Promise<void> {
    const { house } = this
    for (let tries = 0; this.#again.delete(queueId);) {
      for (let offered; (offered = await this.#offer(queueId));) {
        if (offered === lost && ++tries >= triesMax) return
        if (offered !== lost) house.offered(offered as Offered)
      }
    }
  }

  #offer(queueId: string): Promise<Offered | typeof lost | undefined> {
    return offerNext(this.house.store, queueId).catch((error: unknown) => {
      if (error === lost) return lost
      throw error
    })
  }

  async #tick(): Promise<void> {
    const { house } = this
    try {
      if (databaseState(house.store.database) === 'ok') {
        if (performance.now() - this.#looked >= lookMs) await this.#look()
        else await this.#ask()
      }
    } catch (error) {
      this.#warn(error)
    }
    this.#timer = undefined
    if (!this.#isOver) this.start()
  }

  async #look(): Promise<void> {
    this.#looked = performance.now()
    await this.#endWrapUps()
    await this.house.look()
    this.wakeAll()
  }

  async #ask(): Promise<void> {
    const { house } = this
    if ([...house.queues()].length === 0) return
    const latest = await house.latest()
    if (latest === this.#latest) return
    this.#latest = latest
    await house.lookForOffers()
    this.wakeAll()
  }

  async #endWrapUps(): Promise<void> {
    const { database, eventOf } = this.house.store
    const freed = await transaction(database, (manager) => endWrapUps({ manager, eventOf }))
    if (freed.length > 0) this.wakeAll()
  }

  #warn(err: unknown): void {
    this.house.log.warn({ err: err as Error }, 'callers of a queue were not matched; it is tried again')
  }
}
