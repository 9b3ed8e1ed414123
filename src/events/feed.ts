import type { DataSource } from '../database.ts'
import { fromSqlTime } from '../database.ts'

/** An event as the API shows it. */
export interface ShownEvent {
  id: string
  type: string
  sequence: number
  tm_create: string
  customer_id: string
  resource_type: string
  resource_id: string
  data: unknown
}

/** The number of the last event of each customer that has any. */
export async function lastSequences(
  database: DataSource,
  customers: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (customers.length === 0) return new Map()
  const rows = await database.query<{ customer_id: string; sequence: number }[]>(
    `SELECT customer_id, sequence FROM event_counters WHERE customer_id IN (${customers.map(() => '?').join()})`,
    [...customers],
  )
  return new Map(rows.map(({ customer_id, sequence }) => [customer_id, sequence]))
}

/** Which events there are to read on after: from `first` on, which may have been removed before, to `last`. */
export async function rangeOf(database: DataSource, customer: string): Promise<{ first: number; last: number }> {
  const [row] = await database.query<{ last: number; first: number | null }[]>(
    'SELECT sequence AS last, (SELECT MIN(e.sequence) FROM events e WHERE e.customer_id = c.customer_id) AS first ' +
      'FROM event_counters c WHERE customer_id = ?',
    [customer],
  )
  return row ? { first: row.first ?? row.last + 1, last: row.last } : { first: 1, last: 0 }
}

type Sized = Pick<ShownEvent, 'type' | 'sequence'> & { bytes: number }
type Stored = Omit<ShownEvent, 'data'> & { data: string }

/** So many events are looked at at once, and so many bytes of them are read. */
const batchEvents = 200
const batchBytes = 250_000

/**
 * The next events after a number that are wanted, and how far that reaches. A large one does not come with others: what is
 * read is in the memory for each who reads.
 */
export async function readAfter(
  database: DataSource,
  customer: string,
  after: number,
  isWanted: (type: string) => boolean,
): Promise<{ events: ShownEvent[]; until: number }> {
  const sized = await database.query<Sized[]>(
    'SELECT type, sequence, LENGTH(data) AS bytes FROM events WHERE customer_id = ? AND sequence > ? ' +
      `ORDER BY sequence LIMIT ${batchEvents}`,
    [customer, after],
  )
  const wanted: number[] = []
  let [until, bytes] = [after, 0]
  for (const one of sized) {
    if (isWanted(one.type)) {
      bytes += one.bytes
      if (wanted.length > 0 && bytes > batchBytes) break
      wanted.push(one.sequence)
    }
    until = one.sequence
  }
  if (wanted.length === 0) return { events: [], until }
  const rows = await database.query<Stored[]>(
    'SELECT id, type, sequence, tm_create, customer_id, resource_type, resource_id, data FROM events ' +
      `WHERE customer_id = ? AND sequence IN (${wanted.map(() => '?').join()}) ORDER BY sequence`,
    [customer, ...wanted],
  )
  const events = rows.map((row) => ({
    ...row,
    tm_create: fromSqlTime(row.tm_create),
    data: JSON.parse(row.data) as unknown,
  }))
  return { events, until }
}
