import { isRetryable, type DataSource, type EntityManager } from '../database.ts'
import type { Logger } from '../log.ts'

/** How often events that came in are looked for, and how many are numbered at once. */
const pollMs = 200
const batchRows = 1_000

interface Fresh {
  insertion: number
  customer_id: string
}

/**
 * Gives each event its number, per customer and without gaps, in the order in which they can be seen: a transaction that
 * is still open has a lower `insertion` perhaps, and its events come after those that are told by then. What is read by
 * number is complete. One process at a time does it, whichever comes first.
 */
export class Relay {
  readonly #database: DataSource
  readonly #log: Logger
  #timer: NodeJS.Timeout | undefined
  #working: Promise<void> | undefined

  constructor(database: DataSource, log: Logger) {
    this.#database = database
    this.#log = log
  }

  start(): void {
    this.#timer ??= setInterval(() => void (this.#working ??= this.#work()), pollMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#working
  }

  async #work(): Promise<void> {
    try {
      while ((await numberEvents(this.#database)) === batchRows);
    } catch (error) {
      // That the database is away is told elsewhere, once.
      if (!isRetryable(error)) this.#log.error({ err: error as Error }, 'events could not be numbered')
    } finally {
      this.#working = undefined
    }
  }
}

/** Numbers the oldest events that have no number; answers how many there were. */
export function numberEvents(database: DataSource): Promise<number> {
  return database.transaction(async (manager) => {
    // The row of nobody is the lock. Who does not get it has nothing to do: somebody else is at it.
    const turn: object[] = await manager.query(
      `SELECT sequence FROM event_counters WHERE customer_id = '' FOR UPDATE SKIP LOCKED`,
    )
    if (turn.length === 0) return 0
    const fresh: Fresh[] = await manager.query(
      `SELECT insertion, customer_id FROM events WHERE sequence IS NULL ORDER BY insertion LIMIT ${batchRows}`,
    )
    if (fresh.length > 0) await number(manager, fresh)
    return fresh.length
  })
}

async function number(manager: EntityManager, fresh: readonly Fresh[]): Promise<void> {
  const customers = [...new Set(fresh.map(({ customer_id }) => customer_id))]
  const rows: { customer_id: string; sequence: number }[] = await manager.query(
    'SELECT customer_id, sequence FROM event_counters WHERE customer_id IN (?)',
    [customers],
  )
  const last = new Map(rows.map(({ customer_id, sequence }) => [customer_id, Number(sequence)]))
  const numbered = fresh.map(({ insertion, customer_id }) => {
    const sequence = (last.get(customer_id) ?? 0) + 1
    last.set(customer_id, sequence)
    return [insertion, sequence]
  })
  const [first, ...others] = numbered
  const list = ['SELECT ? AS insertion, ? AS sequence', ...others.map(() => 'SELECT ?, ?')].join(' UNION ALL ')
  await manager.query(`UPDATE events e JOIN (${list}) n ON n.insertion = e.insertion SET e.sequence = n.sequence`, [
    ...first!,
    ...others.flat(),
  ])
  const counters = customers.map((customer) => [customer, last.get(customer)])
  await manager.query(
    `INSERT INTO event_counters (customer_id, sequence) VALUES ${counters.map(() => '(?,?)').join()}
     ON DUPLICATE KEY UPDATE sequence = VALUES(sequence)`,
    counters.flat(),
  )
}
