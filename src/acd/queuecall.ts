import type { Destination } from '../calls/party.ts'
import { insertOnce, now, sqlValue, toSqlTime, transaction, type DataSource, type EntityManager } from '../database.ts'
import { insertEvents, type EventOf } from '../events/event.ts'
import { answer, finish, release } from './agents.ts'
import type { EndReason, OfferResult, OfferRow, QueuecallRow, QueueRow } from './row.ts'

export interface Store {
  readonly database: DataSource
  readonly eventOf: EventOf
}

/** Of the transactions here each locks the queue first, then the caller, then the agents: they never wait in a circle. */
export async function lock(
  manager: EntityManager,
  { queue_id, id }: Pick<QueuecallRow, 'id' | 'queue_id'>,
): Promise<void> {
  await manager.query('SELECT id FROM queues WHERE id = ? FOR UPDATE', [queue_id])
  await manager.query('SELECT id FROM queuecalls WHERE id = ? FOR UPDATE', [id])
}

/** The row as it is, locked so. */
export async function lockedRow(manager: EntityManager, of: Pick<QueuecallRow, 'id' | 'queue_id'>) {
  await lock(manager, of)
  return manager.getRepository<QueuecallRow>('queuecalls').findOneBy({ id: of.id })
}

/** Puts a caller into the queue. Answers why that is not done, where it is not. */
export function enter(
  store: Store,
  row: QueuecallRow,
  queue: QueueRow,
  source: Destination | undefined,
): Promise<'full' | 'empty' | undefined> {
  return transaction(store.database, async (manager) => {
    await lock(manager, row)
    if (queue.max_waiting > 0) {
      const [{ waiting }] = await manager.query<[{ waiting: number }]>(
        `SELECT COUNT(*) AS waiting FROM queuecalls WHERE queue_id = ? AND status IN ('waiting', 'connecting')
           AND callback IS NULL`,
        [queue.id],
      )
      if (Number(waiting) >= queue.max_waiting) return 'full'
    }
    if (!queue.join_empty && (await onDuty(manager, queue)) === 0) return 'empty'
    const returned = await takeOver(store, manager, row, source)
    await insertOnce(manager, 'queuecalls', row)
    if (!returned)
      await manager.query('UPDATE queues SET total_incoming_count = total_incoming_count + 1 WHERE id = ?', [queue.id])
    await insertEvents(manager, [store.eventOf('queuecall', 'created', row)])
    return undefined
  })
}

/** Who calls in before they are called back gets the old place. */
async function takeOver(
  store: Store,
  manager: EntityManager,
  row: QueuecallRow,
  source: Destination | undefined,
): Promise<boolean> {
  if (!source) return false
  const [old]: { id: string }[] = await manager.query(
    `SELECT id FROM queuecalls WHERE queue_id = ? AND status IN ('waiting', 'connecting') AND callback IS NOT NULL
       AND JSON_VALUE(callback, '$.to.type') = ? AND JSON_VALUE(callback, '$.to.target') = ? ORDER BY tm_rank, id LIMIT 1 FOR UPDATE`,
    [row.queue_id, source.type, source.target],
  )
  const found = old && (await manager.getRepository<QueuecallRow>('queuecalls').findOneByOrFail({ id: old.id }))
  if (!found) return false
  row.tm_rank = found.tm_rank
  await endCallback(store, manager, found, 'returned')
  return true
}

/** Whom nobody will call any more. They are no caller who gave up, and not counted as one. */
export async function endCallback(
  store: Store,
  manager: EntityManager,
  row: QueuecallRow,
  end_reason: EndReason,
): Promise<void> {
  const waited = Math.round(Date.now() - Date.parse(row.tm_enter))
  await endOffers({ manager, eventOf: store.eventOf }, row, new Map(), undefined)
  const changes = { status: 'abandoned', end_reason, duration_waiting: waited, tm_end: now() } as const
  if (await change(manager, row, row.status, changes))
    await insertEvents(manager, [store.eventOf('queuecall', 'abandoned', row)])
}

/** How many of the agents that serve the queue are neither away nor offline. */
export async function onDuty(manager: Pick<EntityManager, 'query'>, queue: QueueRow): Promise<number> {
  const { sql, values } = servedBy(queue)
  const [row] = await manager.query<[{ count: number }]>(
    `SELECT COUNT(*) AS count FROM agents a WHERE ${sql} AND a.status IN ('available', 'ringing', 'busy')`,
    values,
  )
  return Number(row.count)
}

/** Does this agent serve the queue? */
export async function isServedBy(manager: Pick<EntityManager, 'query'>, queue: QueueRow, agentId: string) {
  const { sql, values } = servedBy(queue)
  const rows: unknown[] = await manager.query(`SELECT a.id FROM agents a WHERE ${sql} AND a.id = ?`, [
    ...values,
    agentId,
  ])
  return rows.length > 0
}

/** Which agents serve a queue, as a condition on `agents a`: they have all of its tags, whatever their levels. */
export function servedBy({ id, customer_id, agent_ids }: QueueRow): { sql: string; values: unknown[] } {
  const named = agent_ids.length > 0 ? ' AND a.id IN (?)' : ''
  const sql = `a.customer_id = ?${named} AND NOT EXISTS (
    SELECT 1 FROM queue_tags qt WHERE qt.queue_id = ? AND NOT EXISTS (
      SELECT 1 FROM agent_tags t WHERE t.agent_id = a.id AND t.tag_id = qt.tag_id))`
  return { sql, values: [customer_id, ...(named ? [agent_ids] : []), id] }
}

/** What became of the offers of a caller that ring: by agent, and `others` for those that it does not name. */
type Results = ReadonlyMap<string, OfferResult>

/** Who is being offered the caller. */
export async function openOffers({ database }: Store, { id }: Pick<QueuecallRow, 'id'>): Promise<string[]> {
  const rows: { agent_id: string }[] = await database.query(
    `SELECT agent_id FROM queue_offers WHERE queuecall_id = ? AND result = '' ORDER BY agent_id`,
    [id],
  )
  return rows.map(({ agent_id }) => agent_id)
}

/** An agent has answered. False: the caller is not theirs any more. */
export function serve(store: Store, row: QueuecallRow, agentId: string, queue: QueueRow): Promise<boolean> {
  return transaction(store.database, async (manager) => {
    await lock(manager, row)
    const waited = Math.round(Date.now() - Date.parse(row.tm_enter))
    const time = now()
    const changes = {
      status: 'service',
      service_agent_id: agentId,
      tm_service: time,
      duration_waiting: waited,
    } as const
    if (!(await change(manager, row, 'connecting', changes))) return false
    await endOffers({ manager, eventOf: store.eventOf }, row, new Map([[agentId, 'answered']]), queue)
    await count(manager, queue, 'serviced', waited)
    await insertEvents(manager, [store.eventOf('queuecall', 'service', row)])
    return true
  })
}

/** Nobody took the caller: they wait on in their place. */
export function requeue(store: Store, row: QueuecallRow, results: Results, queue: QueueRow): Promise<void> {
  return transaction(store.database, async (manager) => {
    await lock(manager, row)
    await endOffers({ manager, eventOf: store.eventOf }, row, results, queue)
    if (await change(manager, row, 'connecting', { status: 'waiting' }))
      await insertEvents(manager, [store.eventOf('queuecall', 'waiting', row)])
  })
}

/** The caller is in the queue no more: they were served, or not. */
export function end(store: Store, row: QueuecallRow, reason: EndReason, queue: QueueRow | undefined): Promise<void> {
  return transaction(store.database, async (manager) => {
    const found = await lockedRow(manager, row)
    if (!found || found.tm_end !== null) return
    const where = { manager, eventOf: store.eventOf }
    const { status, tm_service, service_agent_id } = found
    const since = Math.round(Date.now() - Date.parse(tm_service ?? found.tm_enter))
    const wasServed = status === 'service'
    const changes = wasServed
      ? {
          status: 'done' as const,
          end_reason: reason === 'hangup' ? ('serviced' as const) : reason,
          duration_service: since,
        }
      : { status: 'abandoned' as const, end_reason: reason, duration_waiting: since }
    await change(manager, row, status, { ...changes, tm_end: now() })
    await endOffers(where, row, new Map(), queue)
    if (wasServed && service_agent_id) await finish(where, service_agent_id, row.id, queue?.wrap_up ?? 0)
    if (!wasServed && queue) await count(manager, queue, 'abandoned', since)
    await insertEvents(manager, [store.eventOf('queuecall', wasServed ? 'done' : 'abandoned', row)])
  })
}

/** Changes the row where it has this status, in memory too. */
export async function change(
  manager: EntityManager,
  row: QueuecallRow,
  status: string,
  changes: Partial<QueuecallRow>,
): Promise<boolean> {
  const all: Record<string, unknown> = { ...changes, tm_update: now() }
  const sets = Object.keys(all).map((name) => `${name} = ?`)
  const values = Object.entries(all).map(([name, value]) => sqlValue(name, value))
  const { affectedRows }: { affectedRows: number } = await manager.query(
    `UPDATE queuecalls SET ${sets.join(', ')} WHERE id = ? AND status = ?`,
    [...values, row.id, status],
  )
  if (affectedRows === 0) return false
  Object.assign(row, all)
  return true
}

export async function endOffers(
  where: { manager: EntityManager; eventOf: EventOf },
  row: QueuecallRow,
  results: Results,
  queue: QueueRow | undefined,
): Promise<void> {
  const open: OfferRow[] = await where.manager.query(
    `SELECT * FROM queue_offers WHERE queuecall_id = ? AND result = '' ORDER BY agent_id FOR UPDATE`,
    [row.id],
  )
  for (const { id, agent_id } of open) {
    const result = results.get(agent_id) ?? 'cancelled'
    const sql = 'UPDATE queue_offers SET result = ?, ringing_agent_id = NULL, tm_end = ? WHERE id = ?'
    await where.manager.query(sql, [result, toSqlTime(now()), id])
    if (result === 'answered') await answer(where, agent_id, row.id)
    else await release(where, agent_id, row.id, { isMiss: result !== 'cancelled', maxMisses: queue?.max_misses ?? 0 })
  }
}

async function count(
  manager: EntityManager,
  { id, service_level }: QueueRow,
  what: 'serviced' | 'abandoned',
  waited: number,
): Promise<void> {
  const total = `total_${what}_count`
  const inLevel = `${what}_in_level_count`
  await manager.query(`UPDATE queues SET ${total} = ${total} + 1, ${inLevel} = ${inLevel} + ? WHERE id = ?`, [
    waited <= service_level ? 1 : 0,
    id,
  ])
}
