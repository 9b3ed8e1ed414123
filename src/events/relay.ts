import { setTimeout as delay } from 'node:timers/promises'
import { isDatabaseAway, isDatabaseReadOnly, type DataSource, type EntityManager } from '../database.ts'
import type { Logger } from '../log.ts'

/** An event that has just been given its number. */
export interface NumberedEvent {
  id: string
  customer_id: string
  sequence: number
  type: string
  resource_id: string
}

/** Does something with events in the transaction that gives them their numbers: for each event once, and in their order. */
export type Relayed = (manager: EntityManager, events: readonly NumberedEvent[]) => Promise<void>

/** So many events are relayed in one transaction. */
const batchEvents = 500
/** How long the table is left alone: after events were found, while there are none, and after a failure. */
const busyMs = 100
const idleMs = 200
const failedMs = 1_000
/** No customer has this id: its row among the counters is what the relays of several processes take turns with. */
const turnRow = ''

/**
 * Gives events their numbers, for each customer without a gap, once everybody can see them.
 *
 * Of several processes one does it at a time: whoever has locked a row for as long as the transaction lasts. GET_LOCK would
 * belong to a connection, and a connection of a pool to nobody: it could be lost, or kept, without anyone noticing. The
 * others skip the locked row instead of waiting for it, so they keep no connection. (SKIP LOCKED on the events themselves
 * would let two relays number the events of one resource the wrong way round.)
 */
export class Relay {
  readonly #database: DataSource
  readonly #log: Logger
  readonly #relayed: readonly Relayed[]
  readonly #committed: () => void
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  /** `committed` is called when new numbers can be seen. */
  constructor(database: DataSource, log: Logger, relayed: readonly Relayed[] = [], committed = () => {}) {
    this.#database = database
    this.#log = log
    this.#relayed = relayed
    this.#committed = committed
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Resolves when what is under way is done. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const waitMs = await this.relay().then((count) => (count > 0 ? busyMs : idleMs), this.#failed)
      await delay(waitMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  /** Numbers what has none, as far as one transaction goes. Answers how many events that were. */
  async relay(): Promise<number> {
    const [waiting] = await this.#database.query<unknown[]>('SELECT 1 FROM events WHERE sequence IS NULL LIMIT 1')
    if (waiting === undefined) return 0
    const count = await this.#database.transaction(async (manager) => {
      if (!(await takeTurn(manager))) return 0
      const events = await number(manager)
      for (const relayed of this.#relayed) await relayed(manager, events)
      return events.length
    })
    if (count > 0) this.#committed()
    return count
  }

  /** That the database is away is told by those who watch it. */
  readonly #failed = (error: unknown): number => {
    if (!isDatabaseAway(error) && !isDatabaseReadOnly(error) && !this.#stopping.signal.aborted)
      this.#log.warn({ err: error as Error }, 'events were not relayed; it is tried again')
    return failedMs
  }
}

/** Is it for this process to number events, until its transaction ends? */
async function takeTurn(manager: EntityManager): Promise<boolean> {
  const take = () =>
    manager.query<unknown[]>('SELECT 1 FROM event_counters WHERE customer_id = ? FOR UPDATE SKIP LOCKED', [turnRow])
  if ((await take()).length === 1) return true
  // Somebody has it, or it was never made.
  const [row] = await manager.query<unknown[]>('SELECT 1 FROM event_counters WHERE customer_id = ?', [turnRow])
  if (row !== undefined) return false
  await manager.query('INSERT IGNORE INTO event_counters (customer_id, sequence) VALUES (?, 0)', [turnRow])
  return (await take()).length === 1
}

type Waiting = Omit<NumberedEvent, 'sequence'> & { insertion: number }

/** Two events of one resource are inserted one after the other, under the lock of its row: their order is that of insertion. */
async function number(manager: EntityManager): Promise<NumberedEvent[]> {
  const waiting = await manager.query<Waiting[]>(
    'SELECT insertion, id, customer_id, type, resource_id FROM events WHERE sequence IS NULL ' +
      `ORDER BY insertion LIMIT ${batchEvents}`,
  )
  if (waiting.length === 0) return []
  const counters = await readCounters(manager, [...new Set(waiting.map(({ customer_id }) => customer_id))])
  const numbered = waiting.map(({ insertion, ...event }) => {
    const sequence = (counters.get(event.customer_id) ?? 0) + 1
    counters.set(event.customer_id, sequence)
    return { insertion, event: { ...event, sequence } }
  })
  await manager.query(
    `UPDATE events SET sequence = CASE insertion ${numbered.map(() => 'WHEN ? THEN ?').join(' ')} END ` +
      `WHERE insertion IN (${numbered.map(() => '?').join()})`,
    [
      ...numbered.flatMap(({ insertion, event }) => [insertion, event.sequence]),
      ...numbered.map(({ insertion }) => insertion),
    ],
  )
  await manager.query(
    `INSERT INTO event_counters (customer_id, sequence) VALUES ${[...counters].map(() => '(?,?)').join()} ` +
      'ON DUPLICATE KEY UPDATE sequence = VALUES(sequence)',
    [...counters].flat(),
  )
  return numbered.map(({ event }) => event)
}

async function readCounters(manager: EntityManager, customers: readonly string[]): Promise<Map<string, number>> {
  const rows = await manager.query<{ customer_id: string; sequence: number }[]>(
    `SELECT customer_id, sequence FROM event_counters WHERE customer_id IN (${customers.map(() => '?').join()})`,
    [...customers],
  )
  return new Map(rows.map(({ customer_id, sequence }) => [customer_id, sequence]))
}
