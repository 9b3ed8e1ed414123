import { fromSqlTime, now, toSqlTime, transaction, type DataSource, type EntityManager } from '../database.ts'
import { insertEvents, type EventOf } from '../events/event.ts'

/** What is told of, and stored in, the database of calls that nobody can end in Asterisk. */
export interface Store {
  readonly database: DataSource
  readonly eventOf: EventOf
}

interface Part {
  table: string
  type: string
  what: string
  status: string
  end: 'tm_hangup' | 'tm_end'
  /** The column that names the call. */
  by: string
  /** Those of another status end otherwise. */
  from?: { status: string; what: string; to: string }
  /** Which of them, and what is changed with them, in SQL; the call is the only value. */
  which?: string
  before?: readonly string[]
}

/** Callers in queues: those who gave up are counted; whom the queue was calling back keeps the place, and is called again. */
const queuecalls: Part = {
  ...{ table: 'queuecalls', type: 'queuecall', what: 'abandoned', status: 'abandoned', end: 'tm_end' },
  ...{ by: 'reference_id', from: { status: 'service', what: 'done', to: 'done' }, which: 'callback IS NULL' },
  before: [
    `UPDATE queues q JOIN queuecalls c ON c.queue_id = q.id SET q.total_abandoned_count = q.total_abandoned_count + 1
       WHERE c.reference_id = ? AND c.tm_end IS NULL AND c.status <> 'service' AND c.callback IS NULL`,
    `UPDATE queuecalls SET status = 'waiting', node = '', tm_update = UTC_TIMESTAMP(6)
       WHERE reference_id = ? AND tm_end IS NULL AND callback IS NOT NULL`,
    `UPDATE queuecalls SET end_reason = IF(status = 'service', 'serviced', 'failed')
       WHERE reference_id = ? AND tm_end IS NULL AND callback IS NULL`,
  ],
}

const aicalls: Part = {
  ...{ table: 'aicalls', type: 'aicall', what: 'ended', status: 'terminated', end: 'tm_end', by: 'reference_id' },
  before: [`UPDATE aicalls SET end_reason = 'failed' WHERE reference_id = ? AND tm_end IS NULL`],
}

/** What lives as long as a call, at most. */
const parts: readonly Part[] = [
  { table: 'activeflows', type: 'activeflow', what: 'ended', status: 'ended', end: 'tm_end', by: 'reference_id' },
  { table: 'recordings', type: 'recording', what: 'finished', status: 'failed', end: 'tm_end', by: 'reference_id' },
  { table: 'transcribes', type: 'transcribe', what: 'finished', status: 'done', end: 'tm_end', by: 'reference_id' },
  { table: 'conferencecalls', type: 'conferencecall', what: 'left', status: 'left', end: 'tm_end', by: 'reference_id' },
  queuecalls,
  aicalls,
]

/** Records that a call has ended, with all that belongs to it. False: it had ended. What would follow it does not run. */
export function endCall(store: Store, id: string, by: '' | 'local', reason: string): Promise<boolean> {
  return transaction(store.database, async (manager) => {
    const time = toSqlTime(now())
    const { affectedRows }: { affectedRows: number } = await manager.query(
      `UPDATE calls SET status = 'hangup', hangup_reason = IF(hangup_by = '', ?, hangup_reason),
         hangup_by = IF(hangup_by = '', ?, hangup_by), tm_hangup = ?, tm_update = ? WHERE id = ? AND tm_hangup IS NULL`,
      [reason, by, time, time, id],
    )
    if (affectedRows === 0) return false
    await tell(store, manager, 'calls', 'call', 'hangup', id)
    for (const part of parts) await endPart(store, manager, part, id, time)
    return true
  })
}

async function endPart(store: Store, manager: EntityManager, part: Part, callId: string, time: string): Promise<void> {
  const { table, type, what, status, end, by, from, which = 'TRUE', before = [] } = part
  for (const sql of before) await manager.query(sql, [callId])
  const rows: { id: string; status: string }[] = await manager.query(
    `SELECT id, status FROM ${table} WHERE ${by} = ? AND ${end} IS NULL AND ${which} FOR UPDATE`,
    [callId],
  )
  for (const { id, status: was } of rows) {
    const isOther = from !== undefined && was === from.status
    const sql = `UPDATE ${table} SET status = ?, ${end} = ?, tm_update = ? WHERE id = ?`
    await manager.query(sql, [isOther ? from.to : status, time, time, id])
    await tell(store, manager, table, type, isOther ? from.what : what, id)
  }
}

async function tell(store: Store, manager: EntityManager, table: string, type: string, what: string, id: string) {
  // By name: the entities are declared above us, in resources/.
  const row = await manager.getRepository<{ id: string }>(table).findOneBy({ id })
  if (row) await insertEvents(manager, [store.eventOf(type, what, row)])
}

/** Ends all calls of an Asterisk that is gone, but those that `isLive` here. Resolves to how many there were. */
export async function endCallsOf(store: Store, node: string, isLive: (id: string) => boolean): Promise<number> {
  const { database } = store
  let count = 0
  const calls: { id: string }[] = await database.query(`SELECT id FROM calls WHERE node = ? AND tm_hangup IS NULL`, [
    node,
  ])
  for (const { id } of calls) if (!isLive(id) && (await endCall(store, id, '', 'failed'))) count++
  const groups: { id: string }[] = await database.query(
    `SELECT id FROM groupcalls g WHERE node = ? AND tm_hangup IS NULL
       AND NOT EXISTS (SELECT 1 FROM calls WHERE groupcall_id = g.id AND tm_hangup IS NULL)`,
    [node],
  )
  for (const { id } of groups) await endGroup(store, id)
  return count + groups.length
}

function endGroup(store: Store, id: string): Promise<void> {
  return transaction(store.database, async (manager) => {
    const time = toSqlTime(now())
    const sql = `UPDATE groupcalls SET status = 'hangup', hangup_reason = IF(hangup_by = '', 'failed', hangup_reason),
       tm_hangup = ?, tm_update = ? WHERE id = ? AND tm_hangup IS NULL`
    const { affectedRows }: { affectedRows: number } = await manager.query(sql, [time, time, id])
    if (affectedRows > 0) await tell(store, manager, 'groupcalls', 'groupcall', 'hangup', id)
  })
}

/** The Asterisks that a process of ours holds, and has not reached for so long. */
export async function lostNodes(database: DataSource, holder: string, seconds: number): Promise<string[]> {
  const rows: { name: string }[] = await database.query(
    'SELECT name FROM nodes WHERE holder = ? AND tm_lost < UTC_TIMESTAMP(6) - INTERVAL ? SECOND',
    [holder, seconds],
  )
  return rows.map(({ name }) => name)
}

/** The Asterisks that calls name, and that no process has had in its configuration for so long. */
export async function goneNodes(database: DataSource, seconds: number): Promise<{ name: string; since: string }[]> {
  const rows: { name: string; tm_seen: string | null }[] = await database.query(
    `SELECT c.node AS name, n.tm_seen FROM (
       SELECT DISTINCT node FROM calls WHERE tm_hangup IS NULL
       UNION SELECT DISTINCT node FROM groupcalls WHERE tm_hangup IS NULL) c
     LEFT JOIN nodes n ON n.name = c.node WHERE COALESCE(n.tm_seen, '2000-01-01') < UTC_TIMESTAMP(6) - INTERVAL ? SECOND`,
    [seconds],
  )
  return rows.map(({ name, tm_seen }) => ({ name, since: tm_seen === null ? '' : fromSqlTime(tm_seen) }))
}
