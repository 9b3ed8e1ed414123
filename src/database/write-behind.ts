import { setTimeout as delay } from 'node:timers/promises'
import type { DataSource } from 'typeorm'
import { atomically, isRetryable, type Statement } from '../database.ts'
import { HashdialError } from '../errors.ts'
import { turn } from '../turns.ts'
import { textBytes, upsert, type Table } from './upsert.ts'

export interface StoredRow {
  id: string
}

/** A row and its table. It is stored as it is when it is written. */
export type Entry = readonly [table: string, row: StoredRow]

/** What is stored in one transaction, and who waits for that. */
interface Unit {
  /** By table and id. */
  readonly rows: Map<string, Entry>
  /** When it is to be written at the latest, on the clock of performance.now(); 0: now. */
  due: number
  readonly saved: (() => void)[]
  readonly failed: ((error: Error) => void)[]
}

/** How much goes into one transaction, unless one unit alone is more. */
const batchRows = 400
const batchBytes = 1_000_000

/** A unit with more is written apart, when it is its customer's turn: nobody else waits for it. */
const largeBytes = 65_536

/** Of a row that was never written, beside its texts. */
const columnsBytes = 256

/**
 * Until the next try while the database is away, how long a row that comes `soon` waits for company, and how far apart two
 * transactions begin: what many calls want stored at once goes together, and one alone does not wait.
 */
const retryMs = 250
const lingerMs = 50
const apartMs = 5

/** How long a call waits for MySQL. */
const patienceMs = 2_000

/** Waits for what is being stored, but not for ever: false when it is not in MySQL by then. It is stored later. */
export async function inTime(saved: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), patienceMs)))
  return Promise.race([saved.then(() => true), late]).finally(() => clearTimeout(timer))
}

/** Why a call that is not in MySQL in time is not begun: nobody would know of it after a crash. */
export function storedTooLate(): HashdialError {
  return new HashdialError('UNAVAILABLE', 'DATABASE_AWAY', 'the database did not take the call in time')
}

/**
 * Writes the rows of what is live, and what happened to it, in units: a unit is stored whole or not at all. A row that
 * changes while a write is under way waits for the next one, and all units that wait go in one transaction (group commit):
 * many calls at once cost few of them, and one call alone does not wait. While the database is away or read-only, units
 * are kept, with the newest state of each row, and written when it is back.
 */
export class WriteBehind {
  readonly #database: DataSource
  readonly #tables: ReadonlyMap<string, Table>
  /** By the table and id of each of its rows. */
  readonly #unitOf = new Map<string, Unit>()
  /** The oldest first. */
  readonly #waiting = new Set<Unit>()
  /** As long as each row is expected to be. */
  readonly #bytes = new WeakMap<StoredRow, number>()
  /** Rows that are being written apart. */
  readonly #apart = new Map<string, Promise<unknown>>()
  #writing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  /** The tables are written in this order, which is that of their foreign keys. */
  constructor(database: DataSource, tables: Record<string, Table>) {
    this.#database = database
    this.#tables = new Map(Object.entries(tables))
  }

  /**
   * Resolves when the rows are in MySQL, all in one transaction; rejects when MySQL refuses one of them, and then none is.
   * What nobody waits for comes `soon`, and is written with others like it.
   */
  store(entries: readonly Entry[], urgency: 'now' | 'soon' = 'now'): Promise<void> {
    return new Promise((saved, failed) => {
      const due = urgency === 'now' ? 0 : performance.now() + lingerMs
      this.#join({
        rows: new Map(entries.map((entry) => [keyOf(entry), entry])),
        due,
        saved: [saved],
        failed: [failed],
      })
      if (urgency === 'now') this.#writing ??= this.#write()
      else this.#timer ??= setTimeout(() => this.#hurry(), lingerMs)
    })
  }

  /** Is there a state of the row that is not being written yet? */
  waits(...entry: Entry): boolean {
    return this.#unitOf.has(keyOf(entry))
  }

  /** How large the row was when it was written last, or is expected to be; 0 where nobody knows. */
  bytesOf(row: StoredRow): number {
    return this.#bytes.get(row) ?? 0
  }

  expect(row: StoredRow, bytes: number): void {
    this.#bytes.set(row, bytes)
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    this.#hurry()
    while (this.#writing || this.#apart.size > 0) await Promise.all([this.#writing, ...this.#apart.values()])
  }

  /** Units that have a row in common become one: what was to be stored together still is. */
  #join(unit: Unit): void {
    const others = new Set(
      [...unit.rows.keys()].map((key) => this.#unitOf.get(key)).filter((other) => other !== undefined),
    )
    const [first = unit, ...rest] = others
    const joining = first === unit ? [] : [...rest, unit]
    for (const other of joining) {
      for (const [key, entry] of other.rows) first.rows.set(key, entry)
      first.due = Math.min(first.due, other.due)
      first.saved.push(...other.saved)
      first.failed.push(...other.failed)
      this.#waiting.delete(other)
    }
    this.#waiting.add(first)
    for (const key of first.rows.keys()) this.#unitOf.set(key, first)
  }

  /** Writes what was to come soon, all together. */
  #hurry(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const unit of this.#waiting) unit.due = 0
    this.#writing ??= this.#write()
  }

  async #write(): Promise<void> {
    await Promise.resolve() // what else is stored in this tick goes along
    for (;;) {
      const begun = performance.now()
      const { small, large } = this.#take()
      if (small.length + large.length === 0) break
      for (const unit of large) this.#writeApart(unit)
      const isOver = await this.#flush(small)
      await delay(isOver ? Math.max(0, begun + apartMs - performance.now()) : retryMs)
    }
    this.#writing = undefined
  }

  #take(): { small: Unit[]; large: Unit[] } {
    const small: Unit[] = []
    const large: Unit[] = []
    let [rows, bytes] = [0, 0]
    for (const unit of this.#waiting) {
      if (unit.due > 0 || [...unit.rows.keys()].some((key) => this.#apart.has(key))) continue
      const size = this.#sizeOf(unit)
      if (size > largeBytes) large.push(unit)
      else if (small.length > 0 && (rows + unit.rows.size > batchRows || bytes + size > batchBytes)) break
      else {
        small.push(unit)
        rows += unit.rows.size
        bytes += size
      }
    }
    for (const unit of [...small, ...large]) {
      this.#waiting.delete(unit)
      for (const key of unit.rows.keys()) this.#unitOf.delete(key)
    }
    return { small, large }
  }

  #sizeOf({ rows }: Unit): number {
    let bytes = 0
    for (const [, row] of rows.values()) bytes += this.#bytes.get(row) ?? columnsBytes + textBytes(row)
    return bytes
  }

  #writeApart(unit: Unit): void {
    const written = this.#flushApart(unit).finally(() => {
      for (const key of unit.rows.keys()) this.#apart.delete(key)
      if (this.#waiting.size > 0) this.#writing ??= this.#write()
    })
    for (const key of unit.rows.keys()) this.#apart.set(key, written)
  }

  async #flushApart(unit: Unit): Promise<void> {
    const [first] = unit.rows.values()
    await turn((first?.[1] as { customer_id?: string }).customer_id ?? '')
    if (!(await this.#flush([unit]))) await delay(retryMs)
  }

  /** Writes the units; answers false when they are to be written again, for the database does not take them now. */
  async #flush(units: readonly Unit[]): Promise<boolean> {
    if (units.length === 0) return true
    try {
      await atomically(this.#database, this.#statements(units))
      for (const { saved } of units) for (const resolve of saved) resolve()
      return true
    } catch (error) {
      if (isRetryable(error)) {
        for (const unit of units) this.#putBack(unit)
        return false
      }
      // One row that MySQL does not take (its customer was deleted meanwhile) must not hold up the others.
      if (units.length > 1) return this.#flushEach(units)
      for (const failed of units[0]!.failed) failed(error as Error)
      return true
    }
  }

  async #flushEach(units: readonly Unit[]): Promise<boolean> {
    let isOver = true
    for (const unit of units) isOver = (await this.#flush([unit])) && isOver
    return isOver
  }

  /** What was stored meanwhile is newer. */
  #putBack(unit: Unit): void {
    for (const key of unit.rows.keys()) {
      const newer = this.#unitOf.get(key)?.rows.get(key)
      if (newer) unit.rows.set(key, newer)
    }
    this.#join(unit)
  }

  #statements(units: readonly Unit[]): Statement[] {
    const byTable = new Map<string, StoredRow[]>([...this.#tables.keys()].map((table) => [table, []]))
    for (const { rows } of units) for (const [table, row] of rows.values()) byTable.get(table)!.push(row)
    const filled = [...byTable].filter(([, rows]) => rows.length > 0)
    return filled.map(([table, rows]) => {
      const { sql, values, bytes } = upsert(table, this.#tables.get(table)!, rows)
      rows.forEach((row, index) => this.expect(row, bytes[index]!))
      return { sql, values }
    })
  }
}

const keyOf = ([table, { id }]: Entry): string => `${table}/${id}`
