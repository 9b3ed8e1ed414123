import { randomUUID } from 'node:crypto'
import type { AriNode } from '../ari/connection.ts'
import type { PartStore } from '../calls/parts.ts'
import { fromSqlTime, insertOnce, now, toSqlTime, transaction } from '../database.ts'
import type { DataSource, EntityManager } from '../database.ts'
import { HashdialError } from '../errors.ts'
import { insertEvents } from '../events/event.ts'
import type { ConferenceRow, ConferencecallRow } from './row.ts'

type Store = Pick<PartStore, 'database' | 'eventOf'>

/** The conference as it is now. Throws where there is none. By name: the entities are declared in resources/. */
export async function findConference(
  { manager }: Pick<DataSource, 'manager'>,
  customer_id: string,
  id: string,
): Promise<ConferenceRow> {
  const row = await manager.getRepository<ConferenceRow>('conferences').findOneBy({ id, customer_id })
  if (row) return row
  throw new HashdialError('NOT_FOUND', 'CONFERENCE_NOT_FOUND', `you have no conference ${id}`)
}

/**
 * Gives somebody their place in a conference, in one transaction with where it meets: at this Asterisk, unless others are
 * in it elsewhere. Once more after a crash it is the same place. Throws a HashdialError where there is none for them.
 */
export function takePlace(store: Store, node: AriNode, member: ConferencecallRow): Promise<ConferenceRow> {
  const { conference_id: id, customer_id } = member
  return transaction(store.database, async (manager) => {
    const [found]: { locked: number; max_participants: number; node: string }[] = await manager.query(
      'SELECT locked, max_participants, node FROM conferences WHERE id = ? FOR UPDATE',
      [id],
    )
    const others: { id: string }[] = await manager.query(
      'SELECT id FROM conferencecalls WHERE conference_id = ? AND tm_end IS NULL',
      [id],
    )
    const isNew = !others.some((other) => other.id === member.id)
    if (found && isNew && !member.moderator) refuseWhere(found, others.length)
    const isFirst = found !== undefined && (found.node === '' || others.length === 0)
    if (isFirst) {
      const values = [node.name, `conference-${randomUUID()}`, toSqlTime(now()), id]
      await manager.query('UPDATE conferences SET node = ?, bridge_id = ?, tm_start = ? WHERE id = ?', values)
    }
    const row = await findConference({ manager }, customer_id, id)
    if (row.node !== node.name) throw new HashdialError('UNAVAILABLE', 'CONFERENCE_ELSEWHERE', elsewhere)
    await insertOnce(manager, 'conferencecalls', member)
    const events = [store.eventOf('conferencecall', 'joined', member)]
    if (isFirst) events.unshift(store.eventOf('conference', 'opened', row))
    await insertEvents(manager, events)
    return row
  })
}

const elsewhere = 'the conference meets at another Asterisk: try again in a moment'

function refuseWhere({ locked, max_participants: most }: { locked: number; max_participants: number }, count: number) {
  if (locked) throw new HashdialError('FAILED_PRECONDITION', 'CONFERENCE_LOCKED', 'the conference is locked')
  if (most > 0 && count >= most)
    throw new HashdialError('FAILED_PRECONDITION', 'CONFERENCE_FULL', 'the conference is full')
}

/** Nobody is in the conference any more, as far as this meeting of it goes. */
export function leaveEmpty(store: Store, { id, bridge_id, customer_id }: ConferenceRow): Promise<void> {
  return transaction(store.database, async (manager) => {
    const { affectedRows }: { affectedRows: number } = await manager.query(
      `UPDATE conferences SET node = '', bridge_id = '', tm_start = NULL WHERE id = ? AND bridge_id = ?
         AND NOT EXISTS (SELECT 1 FROM conferencecalls WHERE conference_id = ? AND tm_end IS NULL)`,
      [id, bridge_id, id],
    )
    if (affectedRows > 0) await tell(store, manager, 'closed', customer_id, id)
  })
}

/** Locks or unlocks it. */
export function storeLock(store: Store, { id, customer_id }: ConferenceRow, locked: boolean): Promise<void> {
  return transaction(store.database, async (manager) => {
    const sql = 'UPDATE conferences SET locked = ?, tm_update = ? WHERE id = ? AND locked <> ?'
    const values = [locked, toSqlTime(now()), id, locked]
    const { affectedRows }: { affectedRows: number } = await manager.query(sql, values)
    if (affectedRows > 0) await tell(store, manager, 'updated', customer_id, id)
  })
}

/** Records that somebody is out whose call nobody carries any more. */
export function storeLeft(store: Store, row: ConferencecallRow): Promise<void> {
  return transaction(store.database, async (manager) => {
    const time = toSqlTime(now())
    const { affectedRows }: { affectedRows: number } = await manager.query(
      `UPDATE conferencecalls SET status = 'left', talking = 0, tm_end = ?, tm_update = ? WHERE id = ? AND tm_end IS NULL`,
      [time, time, row.id],
    )
    if (affectedRows === 0) return
    const left = { ...row, status: 'left', talking: false, tm_end: fromSqlTime(time), tm_update: fromSqlTime(time) }
    await insertEvents(manager, [store.eventOf('conferencecall', 'left', left)])
  })
}

async function tell(store: Store, manager: EntityManager, what: string, customerId: string, id: string) {
  await insertEvents(manager, [store.eventOf('conference', what, await findConference({ manager }, customerId, id))])
}
