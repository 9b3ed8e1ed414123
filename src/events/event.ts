import { randomUUID } from 'node:crypto'
import { now, type EntityManager } from '../database.ts'
import { upsert } from '../database/upsert.ts'
import { idOf } from '../id.ts'

/** A row of `events` as it is stored; see sql/009-events.sql. */
export interface EventRow {
  id: string
  customer_id: string
  /** `<resource>_<what>`. */
  type: string
  resource_type: string
  resource_id: string
  /** The resource as GET shows it, without secrets, as JSON. */
  data: string
  tm_create: string
}

export const eventColumns = [
  ...['id', 'customer_id', 'type', 'resource_type', 'resource_id', 'data', 'tm_create'],
] as const

/** What happened to a resource, with its JSON as it is at this moment. */
export type EventOf = (resource: string, what: string, row: { id: string }) => EventRow

/** What happens once in the life of a resource: its id is always the same, so that a crash does not make it happen twice. */
const once = new Set([
  ...['created', 'ringing', 'progressing', 'hangup', 'started', 'finished', 'ended', 'deleted'],
  ...['joined', 'left', 'service', 'done', 'abandoned'],
])

export function event(row: Omit<EventRow, 'id' | 'type' | 'tm_create'>, what: string): EventRow {
  const type = `${row.resource_type}_${what}`
  return { id: once.has(what) ? idOf(`${type}-${row.resource_id}`) : randomUUID(), ...row, type, tm_create: now() }
}

/** Stores events in the transaction of what they are about. One that is there already stays as it is. */
export async function insertEvents(manager: Pick<EntityManager, 'query'>, events: readonly EventRow[]): Promise<void> {
  if (events.length === 0) return
  const { sql, values } = upsert('events', { columns: eventColumns, immutable: true }, events)
  await manager.query(sql, values)
}
