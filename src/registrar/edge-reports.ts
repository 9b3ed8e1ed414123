import { fromSqlTime, type EntityManager } from '../database.ts'
import { event, insertEvents } from '../events/event.ts'
import { idOf } from '../id.ts'
import type { GuessBlock } from './edge.ts'
import type { ReadExtensions } from './registration-events.ts'

/** Whoever tries passwords all day is told of once in this time: of an extension and a source; and of an extension. */
const perSourceSeconds = 60
const perExtensionSeconds = 10
const batchExtensions = 200

const failed = 'registration_failed'
const duplicate = 'registration_duplicate'
const what = `IF(reason = 'already_registered', '${duplicate}', '${failed}')`

interface Due {
  extension_id: string
  what: string
  /** When it failed last, which tells one event from another. */
  tm_last: string
}

/** Tells of registrations that failed, an event for all sources of an extension. Answers how many events that were. */
export async function tellFailures(manager: EntityManager, read: ReadExtensions): Promise<number> {
  await manager.query(
    `UPDATE registration_failures SET tm_due = tm_told + INTERVAL ${perSourceSeconds} SECOND
     WHERE tm_due <= UTC_TIMESTAMP(6) AND tm_told > UTC_TIMESTAMP(6) - INTERVAL ${perSourceSeconds} SECOND`,
  )
  const due = await manager.query<Due[]>(
    `SELECT extension_id, ${what} AS what, MAX(tm_last) AS tm_last FROM registration_failures
     WHERE tm_due <= UTC_TIMESTAMP(6) GROUP BY extension_id, what LIMIT ${batchExtensions}`,
  )
  if (due.length === 0) return 0
  const late = await toldLately(manager, due)
  const isLate = (one: Due) => late.has(`${one.extension_id} extension_${one.what}`)
  await mark(manager, due.filter(isLate), `tm_due = UTC_TIMESTAMP(6) + INTERVAL ${perExtensionSeconds} SECOND`)
  const told = due.filter((one) => !isLate(one))
  await mark(manager, told, 'tm_due = NULL, tm_told = UTC_TIMESTAMP(6)')
  if (told.length === 0) return 0
  // Read when they are locked: whatever is marked as told is in the event.
  const make = await read(manager, [...new Set(due.map(({ extension_id }) => extension_id))])
  const events = told.flatMap((one) => {
    const made = make(one.extension_id, one.what)
    const id = idOf(`extension_${one.what}-${one.extension_id}-${one.tm_last}`)
    return made ? [{ ...made, id, tm_create: fromSqlTime(one.tm_last) }] : []
  })
  await insertEvents(manager, events)
  return events.length
}

async function toldLately(manager: EntityManager, due: readonly Due[]): Promise<Set<string>> {
  const rows = await manager.query<{ resource_id: string; type: string }[]>(
    `SELECT resource_id, type FROM extensions x JOIN events e ON e.customer_id = x.customer_id AND e.resource_id = x.id
     WHERE x.id IN (?) AND e.type IN (?) AND e.tm_create > UTC_TIMESTAMP(6) - INTERVAL ${perExtensionSeconds} SECOND`,
    [due.map(({ extension_id }) => extension_id), [`extension_${failed}`, `extension_${duplicate}`]],
  )
  return new Set(rows.map(({ resource_id, type }) => `${resource_id} ${type}`))
}

/** Those that wait for their turn too: the event shows them all. */
async function mark(manager: EntityManager, due: readonly Due[], change: string): Promise<void> {
  if (due.length === 0) return
  await manager.query(
    `UPDATE registration_failures SET ${change} WHERE tm_due IS NOT NULL AND (extension_id, ${what}) IN (?)`,
    [due.map((one) => [one.extension_id, one.what])],
  )
}

/** What belongs to no customer is told to the operator, under this id (RFC 9562, 5.9: the nil UUID). */
export const operatorId = '00000000-0000-0000-0000-000000000000'
const batchBlocks = 200

/** Tells the operator of those who guess direct addresses. Answers how many events that were. */
export async function tellScans(manager: EntityManager): Promise<number> {
  const blocks = await manager.query<Omit<GuessBlock, 'told'>[]>(
    'SELECT id, edge, source_address, misses, tm_create, tm_expire FROM guess_blocks WHERE told = 0 ' +
      `ORDER BY id LIMIT ${batchBlocks}`,
  )
  if (blocks.length === 0) return 0
  const events = blocks.map(({ id, edge, source_address, misses, ...times }) => {
    const [tm_create, tm_expire] = [fromSqlTime(times.tm_create), fromSqlTime(times.tm_expire)]
    const data = JSON.stringify({ source_address, misses, edge, tm_create, tm_expire })
    const about = { customer_id: operatorId, resource_type: 'direct', resource_id: source_address, data }
    return { ...event(about, 'scan_detected'), id: idOf(`direct_scan_detected-${id}-${times.tm_create}`), tm_create }
  })
  await insertEvents(manager, events)
  await manager.query('UPDATE guess_blocks SET told = 1 WHERE id IN (?)', [blocks.map(({ id }) => id)])
  return blocks.length
}
