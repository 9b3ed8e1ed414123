import { fromSqlTime, type EntityManager } from '../database.ts'
import { insertEvents, type EventRow } from '../events/event.ts'
import { idOf } from '../id.ts'
import { life, status, type RegistrationState, type Snapshot } from './registration.ts'

/**
 * Makes events of these extensions, which stay until the transaction ends. Undefined: there is no such extension any more.
 * Without a snapshot the event shows what is in the table now.
 */
export type ReadExtensions = (
  manager: EntityManager,
  ids: readonly string[],
) => Promise<(id: string, what: string, registration?: Snapshot) => EventRow | undefined>

/** The registration of an extension at some moment. Times are as SQL writes them. */
interface Moment extends Snapshot {
  extension_id: string
  /** Empty where there is no row any more. */
  tm_begin: string
  /** The last sign of life: it tells one silence from another. */
  tm_life: string
  tm_create: string
}

type Told = Pick<RegistrationState, 'status' | 'tm_begin'>

/** Tells of moments what was not told yet, in their order, and notes that. Answers how many events that were. */
async function tell(manager: EntityManager, read: ReadExtensions, moments: readonly Moment[]): Promise<number> {
  const ids = [...new Set(moments.map(({ extension_id }) => extension_id))]
  if (ids.length === 0) return 0
  const make = await read(manager, ids)
  const states = await readStates(manager, ids)
  const events: EventRow[] = []
  const changed = new Set<string>()
  for (const moment of moments) {
    const { extension_id } = moment
    const next = follow(states.get(extension_id), moment)
    const made = next && make(extension_id, next.status, { ...moment, status: next.status })
    if (!made) continue
    states.set(extension_id, next)
    changed.add(extension_id)
    events.push({ ...made, id: idOf(next.place), tm_create: fromSqlTime(moment.tm_create) })
  }
  await insertEvents(manager, events)
  if (changed.size > 0)
    await manager.query(
      'INSERT INTO registration_states (extension_id, status, tm_begin) VALUES ? ' +
        'ON DUPLICATE KEY UPDATE status = VALUES(status), tm_begin = VALUES(tm_begin)',
      [[...changed].map((id) => [id, states.get(id)!.status, states.get(id)!.tm_begin])],
    )
  return events.length
}

/**
 * What a moment adds to what was told last, and what makes it the event that it is, however often it is found; undefined:
 * nothing. Two workers of Kamailio may tell in the wrong order, but `tm_begin` grows from one registration to the next.
 */
function follow(told: Told | undefined, moment: Moment): (Told & { place: string }) | undefined {
  const tm_begin = moment.tm_begin || told?.tm_begin || ''
  const place = `extension_${moment.status}-${moment.extension_id}-${tm_begin}`
  if (told !== undefined && tm_begin < told.tm_begin) return undefined
  const isNew = told === undefined || tm_begin > told.tm_begin
  if (moment.status === 'unregistered')
    return told === undefined || told.status === 'unregistered'
      ? undefined
      : { status: 'unregistered', tm_begin, place }
  // One that has begun and is silent already has begun first.
  if (isNew) return { status: 'registered', tm_begin, place: `extension_registered-${moment.extension_id}-${tm_begin}` }
  if (told.status === moment.status || told.status === 'unregistered') return undefined
  return { status: moment.status, tm_begin, place: `${place}-${moment.tm_life}` }
}

async function readStates(manager: EntityManager, ids: readonly string[]): Promise<Map<string, Told>> {
  const rows = await manager.query<RegistrationState[]>(
    'SELECT extension_id, status, tm_begin FROM registration_states WHERE extension_id IN (?)',
    [ids],
  )
  return new Map(rows.map(({ extension_id, ...told }) => [extension_id, told]))
}

const batchChanges = 200

/** Tells what Kamailio has written of registrations that began and ended, and removes that. */
export async function tellChanges(manager: EntityManager, read: ReadExtensions): Promise<number> {
  const rows = await manager.query<(Moment & { number: number })[]>(
    `SELECT c.*, NULL AS rtt_ms, tm_begin AS tm_life FROM registration_changes c ORDER BY number LIMIT ${batchChanges}`,
  )
  if (rows.length === 0) return 0
  await tell(manager, read, rows)
  await manager.query('DELETE FROM registration_changes WHERE number IN (?)', [rows.map(({ number }) => number)])
  return rows.length
}

const batchMoments = 500
const moment = (begin = 'r.tm_begin') =>
  `s.extension_id, r.contact, r.source_address, r.transport, r.user_agent, r.tm_registered, r.tm_expire, r.rtt_ms,
   COALESCE(${begin}, '') AS tm_begin, COALESCE(${life('r')}, '') AS tm_life, UTC_TIMESTAMP(6) AS tm_create`
/** Longer than a look may be late; what is older the sweep finds. */
const silentWithinSeconds = 15

/**
 * Tells what nobody writes: a registration that ran out, a device that has missed a probe, and one that answers again. Each
 * is found by an index. `registration.status` is the same expression, so the API and the events agree.
 */
export async function tellSilence(manager: EntityManager, read: ReadExtensions): Promise<number> {
  const edges = await manager.query<{ name: string }[]>('SELECT name FROM edges')
  const between =
    `r.tm_probe > UTC_TIMESTAMP(6) - INTERVAL ${silentWithinSeconds} SECOND ` +
    'AND (r.tm_probe < UTC_TIMESTAMP(6) - INTERVAL 3 SECOND OR r.tm_unanswered IS NOT NULL)'
  const found = [
    ...(await find(manager, "r.tm_expire <= UTC_TIMESTAMP(6) AND s.status <> 'unregistered'")),
    ...(edges.length === 0
      ? []
      : await find(
          manager,
          `r.edge IN (?) AND ${between} AND s.status = 'registered' AND ${status('r')} = 'unreachable'`,
          [edges.map(({ name }) => name)],
        )),
    ...(await find(manager, `s.status = 'unreachable' AND ${status('r')} = 'registered'`)),
  ]
  return tell(manager, read, found)
}

function find(manager: EntityManager, where: string, values: unknown[] = []): Promise<Moment[]> {
  return manager.query<Moment[]>(
    `SELECT ${moment()}, ${status('r')} AS status FROM registrations r
     JOIN registration_states s ON s.extension_id = r.extension_id WHERE ${where} LIMIT ${batchMoments}`,
    values,
  )
}

/** A statement of Kamailio that is under way has its row and not yet its change. */
const settledSeconds = 2

/**
 * Tells what was lost between two writes, and what happened while nobody looked: whatever differs from what was told last.
 * It reads all registrations. Answers how many events that were.
 */
export async function sweepRegistrations(manager: EntityManager, read: ReadExtensions): Promise<number> {
  const differing = await manager.query<Moment[]>(
    `SELECT ${moment().replace('s.extension_id', 'r.extension_id')}, ${status('r')} AS status FROM registrations r
     LEFT JOIN registration_states s ON s.extension_id = r.extension_id
     WHERE r.tm_registered < UTC_TIMESTAMP(6) - INTERVAL ${settledSeconds} SECOND
       AND (s.extension_id IS NULL AND r.tm_expire > UTC_TIMESTAMP(6) OR s.tm_begin < r.tm_begin OR s.status <> ${status('r')})
     LIMIT ${batchMoments}`,
  )
  const gone = await manager.query<Moment[]>(
    `SELECT s.extension_id, '' AS contact, '' AS source_address, '' AS transport, '' AS user_agent, NULL AS tm_registered,
       NULL AS tm_expire, NULL AS rtt_ms, '' AS tm_begin, '' AS tm_life, UTC_TIMESTAMP(6) AS tm_create,
       'unregistered' AS status
     FROM registration_states s LEFT JOIN registrations r ON r.extension_id = s.extension_id
     WHERE s.status <> 'unregistered' AND r.extension_id IS NULL LIMIT ${batchMoments}`,
  )
  return tell(manager, read, [...differing, ...gone])
}
