import { randomUUID } from 'node:crypto'
import { fromSqlTime, now, toSqlTime, transaction, type EntityManager } from '../database.ts'
import { insertEvents } from '../events/event.ts'
import { ring } from './agents.ts'
import { match, type FreeAgent, type Waiting } from './matcher.ts'
import { servedBy, type Store } from './queuecall.ts'
import type { OfferResult, QueuecallRow, QueueRow, Skill } from './row.ts'

/** How many of those that wait are looked at: where skills differ, somebody further behind may be next. */
const callersMax = 100

/** Who is offered to whom. */
export interface Offered {
  readonly queuecall: QueuecallRow
  /** Several where they ring at once. */
  readonly agentIds: readonly string[]
}

/**
 * Offers the next caller of a queue to whoever it is the turn of, in one transaction. undefined: nobody waits, or nobody is
 * free for them. One process at a time matches in a queue; an agent that serves two queues is taken by one UPDATE.
 */
export function offerNext(store: Store, queueId: string): Promise<Offered | undefined> {
  return transaction(store.database, async (manager) => {
    await manager.query('SELECT id FROM queues WHERE id = ? FOR UPDATE', [queueId])
    const queue = await manager.getRepository<QueueRow>('queues').findOneBy({ id: queueId })
    if (!queue) return undefined
    const callers = await waitingIn(manager, queue)
    if (callers.length === 0) return undefined
    const agents = await freeAgents(manager, queue)
    const skills: Skill[] = await manager.query('SELECT tag_id, level FROM queue_tags WHERE queue_id = ?', [queueId])
    const { routing_method: method, skill_steps: steps, last_agent_id: lastAgent } = queue
    const rules = { method, skills, steps, lastAgent, random: Math.random }
    const found = match(callers, agents, rules, Date.now())
    return found && offer(store, manager, found.caller.id, found.agents)
  })
}

async function offer(
  store: Store,
  manager: EntityManager,
  id: string,
  agents: readonly FreeAgent[],
): Promise<Offered | undefined> {
  const time = toSqlTime(now())
  const { affectedRows }: { affectedRows: number } = await manager.query(
    `UPDATE queuecalls SET status = 'connecting', offers = offers + 1, tm_update = ? WHERE id = ? AND status = 'waiting'`,
    [time, id],
  )
  if (affectedRows === 0) throw lost
  const queuecall = await manager.getRepository<QueuecallRow>('queuecalls').findOneByOrFail({ id })
  const where = { manager, eventOf: store.eventOf }
  const agentIds: string[] = []
  // Nobody answers before whom we call back has: one agent is kept for them, also where all would ring.
  const kept = queuecall.callback ? agents.slice(0, 1) : agents
  for (const agent of [...kept].sort((one, other) => (one.id < other.id ? -1 : 1))) {
    if (!(await ring(where, agent.id, id))) continue
    agentIds.push(agent.id)
    await manager.query(
      `INSERT INTO queue_offers (id, queuecall_id, agent_id, ringing_agent_id, number, result, tm_create)
         VALUES (?, ?, ?, ?, ?, '', ?)`,
      [randomUUID(), id, agent.id, agent.id, queuecall.offers, time],
    )
  }
  if (agentIds.length === 0) throw lost
  await manager.query('UPDATE queues SET last_agent_id = ? WHERE id = ?', [agentIds[0], queuecall.queue_id])
  await insertEvents(manager, [store.eventOf('queuecall', 'connecting', queuecall)])
  return { queuecall, agentIds }
}

/** Somebody else was faster: nothing of it is stored, and it is tried again. */
export const lost = new Error('the caller, or the agent, has something else to do by now')

async function waitingIn(manager: EntityManager, queue: QueueRow): Promise<Waiting[]> {
  const rows: { id: string; tm_enter: string; skills: string }[] = await manager.query(
    `SELECT id, tm_enter, skills FROM queuecalls WHERE queue_id = ? AND status = 'waiting' AND (tm_callback IS NULL OR tm_callback <= UTC_TIMESTAMP(6))
       ORDER BY tm_rank, id LIMIT ${callersMax}`,
    [queue.id],
  )
  const notBefore = await delaysOf(manager, queue, rows)
  return rows.map(({ id, tm_enter, skills }) => ({
    ...{ id, entered: Date.parse(fromSqlTime(tm_enter)), skills: JSON.parse(skills) as Skill[] },
    notBefore: notBefore.get(id) ?? new Map<string, number>(),
  }))
}

/** Until when who has not taken a caller is left alone with them. */
async function delaysOf(manager: EntityManager, queue: QueueRow, callers: readonly { id: string }[]) {
  const delays: Partial<Record<OfferResult, number>> = {
    ...{ missed: queue.no_answer_delay, rejected: queue.reject_delay },
    ...{ busy: queue.busy_delay, unreachable: queue.busy_delay },
  }
  const found = new Map<string, Map<string, number>>()
  const ids = callers.map(({ id }) => id)
  if (ids.length === 0) return found
  const offers: { queuecall_id: string; agent_id: string; result: OfferResult; tm_end: string }[] = await manager.query(
    `SELECT queuecall_id, agent_id, result, tm_end FROM queue_offers WHERE queuecall_id IN (?)
       AND result IN ('missed', 'rejected', 'busy', 'unreachable')`,
    [ids],
  )
  for (const { queuecall_id, agent_id, result, tm_end } of offers) {
    const until = Date.parse(fromSqlTime(tm_end)) + (delays[result] ?? 0)
    const own = found.get(queuecall_id) ?? new Map<string, number>()
    found.set(queuecall_id, own.set(agent_id, Math.max(until, own.get(agent_id) ?? 0)))
  }
  return found
}

/** In the order of the queue. One without an address cannot be rung. */
async function freeAgents(manager: EntityManager, queue: QueueRow): Promise<FreeAgent[]> {
  const { sql, values } = servedBy(queue)
  const rows: { id: string; tm_idle: string; serviced: number }[] = await manager.query(
    `SELECT a.id, a.tm_idle, a.serviced FROM agents a
       WHERE ${sql} AND a.status = 'available' AND a.queuecall_id IS NULL AND a.addresses <> '[]' ORDER BY a.tm_create, a.id`,
    values,
  )
  const levels = await levelsOf(manager, rows)
  const { agent_ids: order } = queue
  const agents = rows.map(({ id, tm_idle, serviced }) => ({
    ...{ id, idleSince: Date.parse(fromSqlTime(tm_idle)), serviced },
    levels: levels.get(id) ?? new Map<string, number>(),
  }))
  return order.length === 0 ? agents : agents.sort((one, other) => order.indexOf(one.id) - order.indexOf(other.id))
}

async function levelsOf(manager: EntityManager, agents: readonly { id: string }[]) {
  const levels = new Map<string, Map<string, number>>()
  if (agents.length === 0) return levels
  const rows: { agent_id: string; tag_id: string; level: number }[] = await manager.query(
    'SELECT agent_id, tag_id, level FROM agent_tags WHERE agent_id IN (?)',
    [agents.map(({ id }) => id)],
  )
  for (const { agent_id, tag_id, level } of rows)
    levels.set(agent_id, (levels.get(agent_id) ?? new Map<string, number>()).set(tag_id, level))
  return levels
}
