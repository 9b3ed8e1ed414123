import { setTimeout as delay } from 'node:timers/promises'
import type { DataSource } from 'typeorm'
import { isDatabaseAway, isDatabaseReadOnly, longText, query, toSqlTime } from '../database.ts'
import { HashdialError } from '../errors.ts'
import { turn } from '../turns.ts'

export interface JournalRow {
  id: string
}

interface Entry {
  row: JournalRow
  /** When it is to be written at the latest, on the clock of performance.now(). */
  due: number
  saved: (() => void)[]
  failed: ((error: Error) => void)[]
}

interface Table {
  columns: readonly string[]
  dirty: Map<string, Entry>
}

const batch = 200

/** A row with more bytes is written apart, when it is its customer's turn: nobody else waits for it. */
const largeBytes = 65_536

/**
 * In milliseconds: until the next try while the database is away, how long a row that comes `soon` waits for company, and
 * how far apart two statements begin: what many calls want stored at once goes together, and one alone does not wait.
 */
const retry = 250
const linger = 50
const apart = 5

/** How long a call waits for MySQL, in milliseconds. */
const patience = 2_000

/** Waits for what was given to the journal, but not for ever: false when it is not in MySQL by then. It is stored later. */
export async function inTime(saved: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), patience)))
  return Promise.race([saved.then(() => true), late]).finally(() => clearTimeout(timer))
}

/** Why a call that is not in MySQL in time is not begun: nobody would know of it after a crash. */
export function storedTooLate(): HashdialError {
  return new HashdialError('UNAVAILABLE', 'DATABASE_AWAY', 'the database did not take the call in time')
}

/**
 * Writes the rows of live calls and activeflows. A row that changes while a write is under way waits for the next one,
 * and all that wait go in one statement (group commit): many calls at once cost few statements, and one call alone does
 * not wait. While the database is away or read-only the newest state of each row is kept and written when it is back.
 */
export class Journal {
  readonly #database: DataSource
  readonly #tables = new Map<string, Table>()
  /** As long as each row is expected to be. */
  readonly #bytes = new WeakMap<JournalRow, number>()
  /** Large rows that are being written, by their ids. */
  readonly #apart = new Map<string, Promise<unknown>>()
  #writing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(database: DataSource, columns: Record<string, readonly string[]>) {
    this.#database = database
    for (const [name, list] of Object.entries(columns)) this.#tables.set(name, { columns: list, dirty: new Map() })
  }

  /**
   * Resolves when `row`, as it is when it is written, is in MySQL; rejects when MySQL refuses it.
   * What nobody waits for comes `soon`, and is written with others like it.
   */
  save(table: string, row: JournalRow, urgency: 'now' | 'soon' = 'now'): Promise<void> {
    const dirty = this.#tables.get(table)!.dirty
    const due = urgency === 'now' ? 0 : performance.now() + linger
    return new Promise((saved, failed) => {
      const entry = dirty.get(row.id) ?? { row, due, saved: [], failed: [] }
      entry.due = Math.min(entry.due, due)
      entry.saved.push(saved)
      entry.failed.push(failed)
      dirty.set(row.id, entry)
      if (urgency === 'now') this.#writing ??= this.#write()
      else this.#timer ??= setTimeout(() => this.#hurry(), linger)
    })
  }

  /** How large the row was when it was written last, or is expected to be; 0 where nobody knows. */
  bytesOf(row: JournalRow): number {
    return this.#bytes.get(row) ?? 0
  }

  expect(row: JournalRow, bytes: number): void {
    this.#bytes.set(row, bytes)
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    this.#hurry()
    while (this.#writing || this.#apart.size > 0) await Promise.all([this.#writing, ...this.#apart.values()])
  }

  /** Writes what was to come soon, all together. */
  #hurry(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const { dirty } of this.#tables.values()) for (const entry of dirty.values()) entry.due = 0
    this.#writing ??= this.#write()
  }

  async #write(): Promise<void> {
    await Promise.resolve() // what else is saved in this tick goes along
    for (;;) {
      const begun = performance.now()
      const taken = [...this.#tables].map(([name, table]) => ({ name, table, entries: this.#take(table) }))
      if (taken.every(({ entries }) => entries.length === 0)) break
      const outages = await Promise.all(taken.map(({ name, table, entries }) => this.#flushTaken(name, table, entries)))
      await delay(outages.includes(true) ? retry : Math.max(0, begun + apart - performance.now()))
    }
    this.#writing = undefined
  }

  #take(table: Table): Entry[] {
    const ready = [...table.dirty.values()].filter(({ due, row }) => due === 0 && !this.#apart.has(row.id))
    const entries = ready.slice(0, batch)
    for (const { row } of entries) table.dirty.delete(row.id)
    return entries
  }

  /** Writes those that are small, and sees to it that the others are written. */
  async #flushTaken(name: string, table: Table, entries: Entry[]): Promise<boolean> {
    const isLarge = ({ row }: Entry) => this.bytesOf(row) > largeBytes
    for (const entry of entries.filter(isLarge)) {
      const { id } = entry.row
      const written = this.#flushApart(name, table, entry).finally(() => {
        this.#apart.delete(id)
        if (table.dirty.has(id)) this.#writing ??= this.#write()
      })
      this.#apart.set(id, written)
    }
    return this.#flush(
      name,
      table,
      entries.filter((entry) => !isLarge(entry)),
    )
  }

  async #flushApart(name: string, table: Table, entry: Entry): Promise<void> {
    await turn((entry.row as { customer_id?: string }).customer_id ?? '')
    if (await this.#flush(name, table, [entry])) await delay(retry)
  }

  /** Writes the entries; answers true when they could not be written because the database is away. */
  async #flush(name: string, table: Table, entries: Entry[]): Promise<boolean> {
    if (entries.length === 0) return false
    try {
      await this.#upsert(name, table.columns, entries)
      for (const { saved } of entries) for (const resolve of saved) resolve()
      return false
    } catch (error) {
      if (isDatabaseAway(error) || isDatabaseReadOnly(error)) {
        for (const entry of entries) this.#putBack(table, entry)
        return true
      }
      // One row that MySQL does not take (its customer was deleted meanwhile) must not hold up the others.
      if (entries.length > 1) return this.#flushEach(name, table, entries)
      for (const failed of entries[0]!.failed) failed(error as Error)
      return false
    }
  }

  async #flushEach(name: string, table: Table, entries: Entry[]): Promise<boolean> {
    let outage = false
    for (const entry of entries) outage = (await this.#flush(name, table, [entry])) || outage
    return outage
  }

  #putBack(table: Table, entry: Entry): void {
    const newer = table.dirty.get(entry.row.id)
    if (newer) {
      newer.saved.push(...entry.saved)
      newer.failed.push(...entry.failed)
    } else table.dirty.set(entry.row.id, entry)
  }

  async #upsert(name: string, columns: readonly string[], entries: Entry[]): Promise<void> {
    const places = `(${columns.map(() => '?').join(',')})`
    // VALUES(column) is the form that MySQL and MariaDB share.
    const updates = columns.filter((column) => column !== 'id').map((column) => `${column}=VALUES(${column})`)
    const values = entries.flatMap(({ row }) => this.#valuesOf(columns, row))
    await query(
      this.#database,
      `INSERT INTO ${name} (${columns.join(',')}) VALUES ${entries.map(() => places).join(',')} ` +
        `ON DUPLICATE KEY UPDATE ${updates.join(',')}`,
      values,
    )
  }

  #valuesOf(columns: readonly string[], row: JournalRow): unknown[] {
    const values = columns.map((column) => toSql(column, row[column as keyof JournalRow]))
    this.expect(
      row,
      values.reduce<number>((sum, value) => sum + lengthOf(value), 0),
    )
    return values
  }
}

function toSql(column: string, value: unknown): unknown {
  if (column.startsWith('tm_') && typeof value === 'string') return toSqlTime(value)
  return typeof value === 'object' && value !== null ? longText(JSON.stringify(value)) : value
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' || value instanceof Uint8Array ? value.length : 0
}
