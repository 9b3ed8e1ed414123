import { randomUUID } from 'node:crypto'
import { longText, now, toSqlTime, type EntityManager } from '../database.ts'

/** A row of `events` as it is inserted; see sql/009-events.sql. */
export interface EventRow {
  id: string
  customer_id: string
  /** `<resource>_<what>`. */
  type: string
  resource_type: string
  resource_id: string
  /** The resource as GET shows it, without secrets. */
  data: object
  tm_create: string
}

/** What happened to a resource, now. */
export function event(row: Omit<EventRow, 'id' | 'tm_create'>): EventRow {
  return { id: randomUUID(), ...row, tm_create: now() }
}

/** Stores events. One that is there already (the answer to its COMMIT was lost) stays as it is. */
export async function insertEvents(manager: Pick<EntityManager, 'query'>, events: readonly EventRow[]): Promise<void> {
  if (events.length === 0) return
  const values = events.flatMap((row) => [
    ...[row.id, row.customer_id, row.type, row.resource_type, row.resource_id],
    ...[longText(JSON.stringify(row.data)), toSqlTime(row.tm_create)],
  ])
  await manager.query(
    'INSERT INTO events (id, customer_id, type, resource_type, resource_id, data, tm_create) VALUES ' +
      `${events.map(() => '(?,?,?,?,?,?,?)').join()} ON DUPLICATE KEY UPDATE id = VALUES(id)`,
    values,
  )
}
