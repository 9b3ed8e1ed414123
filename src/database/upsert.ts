import { longText } from './columns.ts'
import { toSqlTime } from './time.ts'

export interface Table {
  readonly columns: readonly string[]
  /** A row that is there already stays as it is. */
  readonly immutable?: boolean
}

/** Stores rows, those that are there already too, and says how many bytes each has. */
export function upsert(
  table: string,
  { columns, immutable = false }: Table,
  rows: readonly { id: string }[],
): { sql: string; values: unknown[]; bytes: number[] } {
  const places = `(${columns.map(() => '?').join(',')})`
  // VALUES(column) is the form that MySQL and MariaDB share.
  const changed = columns.filter((column) => (column === 'id') === immutable)
  const updates = changed.map((column) => `${column}=VALUES(${column})`)
  const sql =
    `INSERT INTO ${table} (${columns.join(',')}) VALUES ${rows.map(() => places).join(',')} ` +
    `ON DUPLICATE KEY UPDATE ${updates.join(',')}`
  const lines = rows.map((row) => columns.map((column) => sqlValue(column, row[column as keyof typeof row])))
  return { sql, values: lines.flat(), bytes: lines.map(bytesOf) }
}

/** The texts of a row that was not written yet: a measure of its size that costs nothing. */
export function textBytes(row: object): number {
  return bytesOf(Object.values(row))
}

/** A value of a row as a parameter of plain SQL: times, and what is JSON, as the columns have them. */
export function sqlValue(column: string, value: unknown): unknown {
  if (column.startsWith('tm_') && typeof value === 'string') return toSqlTime(value)
  if (typeof value === 'string') return longText(value)
  return typeof value === 'object' && value !== null ? longText(JSON.stringify(value)) : value
}

function bytesOf(values: readonly unknown[]): number {
  let bytes = 0
  for (const value of values) if (typeof value === 'string' || value instanceof Uint8Array) bytes += value.length
  return bytes
}
