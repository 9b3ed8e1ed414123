import { setTimeout as delay } from 'node:timers/promises'
import type { KeyRing } from '../database/secrets.ts'
import { isDatabaseAway, isDatabaseReadOnly, transaction, type DataSource } from '../database.ts'
import type { Logger } from '../log.ts'
import type { Web } from '../web.ts'
import { attempt, readPayloads, readTarget, type Payload, type Target } from './attempt.ts'
import { settle, type Claimed } from './outcome.ts'
import { Places } from './places.ts'

export interface DeliveryOptions {
  database: DataSource
  log: Logger
  web: Web
  secrets: KeyRing
  /** How long a receiver may take for its answer. */
  timeoutMs?: number
}

interface Due {
  id: string
  customer_id: string
}

type ClaimedEvent = Claimed & { event_id: string }

/** How often it is looked for what is due, and the least time between two looks. */
const lookMs = 250
const restMs = 10
const failedMs = 1_000
/** What is being tried stays with this process as long as it says so; after its death somebody else may have it. */
const claimSeconds = 6
const renewMs = 2_000
/** The specification asks for 15 to 30 s. */
const defaultTimeoutMs = 15_000
/** The longest that a receiver which is overloaded is left alone as a whole. */
const maxPauseSeconds = 60
const overloaded = new Set([429, 502, 503, 504])

const claimable = 'tm_next <= UTC_TIMESTAMP(6) AND (tm_claim IS NULL OR tm_claim < UTC_TIMESTAMP(6))'

/**
 * Delivers events to webhooks, at least once and in order per webhook and resource. What is due is claimed in a short
 * transaction; the request is made outside of it; then the result is stored. (HTTP inside would keep locks, and a
 * connection, for as long as a stranger likes.) Claims of several processes pass each other by with SKIP LOCKED.
 */
export class Deliveries {
  readonly #options: Required<DeliveryOptions>
  readonly #places = new Places()
  readonly #claimed = new Set<string>()
  readonly #underway = new Set<Promise<void>>()
  readonly #stopping = new AbortController()
  #isWanted = false
  #running: Promise<void> | undefined
  #renewal: NodeJS.Timeout | undefined
  #wake = () => {}

  constructor(options: DeliveryOptions) {
    this.#options = { timeoutMs: defaultTimeoutMs, ...options }
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted
  }

  start(): void {
    this.#renewal ??= setInterval(() => void this.#renew(), renewMs).unref()
    this.#running ??= this.#run()
  }

  /** There may be something due. */
  look(): void {
    this.#isWanted = true
    this.#wake()
  }

  /** Resolves when the requests that are under way have been answered. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.look()
    await this.#running
    await Promise.allSettled(this.#underway)
    clearInterval(this.#renewal)
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      this.#isWanted = false
      const waitMs = await this.#lookForDue().then(() => lookMs, this.#failed)
      if (waitMs === failedMs)
        await delay(failedMs, undefined, { ref: false, signal: this.#stopping.signal }).catch(() => undefined)
      else await this.#sleep(waitMs)
    }
  }

  /** Until there may be something due, or it is time; in any case long enough for what happens at once to be one look. */
  async #sleep(waitMs: number): Promise<void> {
    if (!this.#isWanted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs).unref()
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    if (!this.#isStopped) await delay(restMs)
  }

  async #lookForDue(): Promise<void> {
    const due = await this.#options.database.query<Due[]>(
      `SELECT id, customer_id FROM webhooks WHERE status = 'enabled' AND EXISTS ` +
        `(SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = webhooks.id AND ${claimable})`,
    )
    for (const webhook of due) {
      const count = this.#places.free(webhook)
      if (count > 0 && !this.#isStopped) await this.#deliver(webhook, count)
    }
  }

  async #deliver(webhook: Due, count: number): Promise<void> {
    const claimed = await this.#claim(webhook.id, count)
    if (claimed.length === 0) return
    const target = await readTarget(this.#options.database, webhook.id)
    const ids = claimed.map(({ event_id }) => event_id)
    const payloads = await readPayloads(this.#options.database, ids)
    for (const one of claimed) {
      const payload = payloads.get(one.event_id)
      if (target) this.#begin(webhook, one, this.#try(webhook, one, target, payload))
    }
  }

  #claim(webhook: string, count: number): Promise<ClaimedEvent[]> {
    return transaction(this.#options.database, async (manager) => {
      const rows = await manager.query<ClaimedEvent[]>(
        'SELECT id, webhook_id, resource_id, event_id, attempts + 1 AS attempts FROM webhook_deliveries ' +
          `WHERE webhook_id = ? AND ${claimable} ORDER BY tm_next, sequence LIMIT ${count} FOR UPDATE SKIP LOCKED`,
        [webhook],
      )
      if (rows.length === 0) return []
      await manager.query(
        'UPDATE webhook_deliveries SET attempts = attempts + 1, tm_attempt = UTC_TIMESTAMP(6), ' +
          `tm_claim = UTC_TIMESTAMP(6) + INTERVAL ${claimSeconds} SECOND WHERE id IN (${rows.map(() => '?').join()})`,
        rows.map(({ id }) => id),
      )
      return rows.map((row) => ({ ...row, attempts: Number(row.attempts) }))
    })
  }

  #begin(webhook: Due, { id }: Claimed, work: Promise<void>): void {
    const leave = this.#places.take(webhook)
    this.#claimed.add(id)
    const done = work.catch(this.#failed).then(() => {
      leave()
      this.#claimed.delete(id)
      this.#underway.delete(done)
      this.look()
    })
    this.#underway.add(done)
  }

  async #try(webhook: Due, claimed: Claimed, target: Target, payload: Payload | undefined): Promise<void> {
    const { database } = this.#options
    const outcome = payload
      ? await attempt(this.#options, target, payload)
      : { body: '', error: 'the event is gone', durationMs: 0 }
    const { status = 0, retryAfterSeconds = 1 } = outcome as { status?: number; retryAfterSeconds?: number }
    if (overloaded.has(status)) this.#places.pause(webhook.id, Math.min(retryAfterSeconds, maxPauseSeconds) * 1_000)
    await settle(database, claimed, outcome)
  }

  async #renew(): Promise<void> {
    const ids = [...this.#claimed]
    if (ids.length === 0) return
    await this.#options.database
      .query(
        `UPDATE webhook_deliveries SET tm_claim = UTC_TIMESTAMP(6) + INTERVAL ${claimSeconds} SECOND ` +
          `WHERE tm_claim IS NOT NULL AND id IN (${ids.map(() => '?').join()})`,
        ids,
      )
      .catch(this.#failed)
  }

  /** That the database is away is told by those who watch it. What was claimed is due again when the claim has run out. */
  readonly #failed = (error: unknown): number => {
    if (!isDatabaseAway(error) && !isDatabaseReadOnly(error))
      this.#options.log.warn({ err: error as Error }, 'webhooks were not delivered; it is tried again')
    return failedMs
  }
}
