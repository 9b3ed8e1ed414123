import { now, toSqlTime, transaction } from '../database.ts'
import { release } from './agents.ts'
import { beginMs, calledBack } from './callback.ts'
import { end, type Store } from './queuecall.ts'
import type { QueuecallRow, QueueRow } from './row.ts'

/**
 * Finds and mends what must not be: callers who wait at this Asterisk without a call, offers of callers who are not being
 * offered, agents who have to do with a caller who is gone. Answers how many there were.
 */
export async function mend(store: Store, node: string, isLive: (row: QueuecallRow) => boolean): Promise<number> {
  const { database } = store
  const rows = database.getRepository<QueuecallRow>('queuecalls')
  const open: { id: string }[] = await database.query('SELECT id FROM queuecalls WHERE node = ? AND tm_end IS NULL', [
    node,
  ])
  let count = 0
  for (const { id } of open) {
    const row = await rows.findOneBy({ id })
    if (row?.tm_end !== null || isLive(row)) continue
    const isBeginning = row.callback && Date.parse(row.tm_update ?? '') > Date.now() - beginMs
    if (isBeginning) continue
    count++
    if (row.callback) {
      await calledBack(store, row, row.reference_id)
      continue
    }
    const queue = await database.getRepository<QueueRow>('queues').findOneBy({ id: row.queue_id })
    await end(store, row, 'failed', queue ?? undefined)
  }
  return count + (await mendOffers(store)) + (await mendAgents(store))
}

function mendOffers({ database }: Store): Promise<number> {
  return transaction(database, async (manager) => {
    const stale: { id: string }[] = await manager.query(
      `SELECT o.id FROM queue_offers o JOIN queuecalls q ON q.id = o.queuecall_id
         WHERE o.ringing_agent_id IS NOT NULL AND q.status <> 'connecting'`,
    )
    for (const { id } of stale)
      await manager.query(
        `UPDATE queue_offers SET result = 'cancelled', ringing_agent_id = NULL, tm_end = ? WHERE id = ? AND result = ''`,
        [toSqlTime(now()), id],
      )
    return stale.length
  })
}

async function mendAgents({ database, eventOf }: Store): Promise<number> {
  const stuck: { id: string; queuecall_id: string }[] = await database.query(
    `SELECT a.id, a.queuecall_id FROM agents a LEFT JOIN queuecalls q ON q.id = a.queuecall_id
       WHERE a.queuecall_id IS NOT NULL AND (q.id IS NULL OR q.status NOT IN ('connecting', 'service'))`,
  )
  for (const { id, queuecall_id } of stuck)
    await transaction(database, (manager) =>
      release({ manager, eventOf }, id, queuecall_id, { isMiss: false, maxMisses: 0 }),
    )
  return stuck.length
}
