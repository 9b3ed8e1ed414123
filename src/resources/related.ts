import type { EntityManager } from '../database.ts'
import type { Row } from './resource.ts'

/** The ids of the rows of another table that name a row in `column`, in the order of their making. */
export async function relatedIds(
  manager: EntityManager,
  table: 'calls' | 'recordings' | 'conferencecalls' | 'queuecalls',
  column: 'groupcall_id' | 'reference_id' | 'conference_id' | 'queue_id',
  rows: readonly Row[],
  more: 'TRUE' | 'tm_end IS NULL' | `status ${'=' | 'IN'} ${string}` = 'TRUE',
): Promise<(row: Row) => string[]> {
  const found: { id: string; owner: string }[] =
    rows.length === 0
      ? []
      : await manager.query(
          `SELECT id, ${column} AS owner FROM ${table} WHERE ${column} IN (?) AND ${more} ORDER BY tm_create`,
          [rows.map(({ id }) => id)],
        )
  return (row) => found.filter(({ owner }) => owner === row.id).map(({ id }) => id)
}
