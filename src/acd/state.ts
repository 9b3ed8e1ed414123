import { fromSqlTime, toSqlTime, type DataSource } from '../database.ts'
import { estimatedWait, serviceLevels, type Counters, type Pace } from './estimate.ts'
import { onDuty, servedBy } from './queuecall.ts'
import type { QueuecallRow, QueueRow } from './row.ts'

type Database = Pick<DataSource, 'query'>

/** How many of the latest callers tell how long one keeps an agent, and how many give up. */
const latest = 200

/** Whom nobody reached by a callback, or who came again, is no caller who gave up. */
const wereOnTheLine = `end_reason NOT IN ('callback_failed', 'returned')`

/** Changes whenever an agent of these queues becomes available, or somebody in them is offered. */
export async function latestIn(database: Database, queueIds: readonly string[]): Promise<string> {
  const [row]: Record<'agents' | 'offers', string | null>[] = await database.query(
    `SELECT
       (SELECT MAX(tm_status) FROM agents WHERE status = 'available'
          AND customer_id IN (SELECT customer_id FROM queues WHERE id IN (?))) AS agents,
       (SELECT MAX(tm_update) FROM queuecalls WHERE queue_id IN (?) AND status = 'connecting') AS offers`,
    [queueIds, queueIds],
  )
  return `${row?.agents} ${row?.offers}`
}

/** The place of one who waits: 1 is next. */
export async function positionOf(database: Database, { id, queue_id, tm_rank }: QueuecallRow): Promise<number> {
  const rank = toSqlTime(tm_rank)
  const [{ ahead }] = await database.query<[{ ahead: number }]>(
    `SELECT COUNT(*) AS ahead FROM queuecalls WHERE queue_id = ? AND status = 'waiting'
       AND (tm_rank < ? OR (tm_rank = ? AND id < ?))`,
    [queue_id, rank, rank, id],
  )
  return Number(ahead) + 1
}

/** How the queue went lately. */
export async function paceOf(database: DataSource, queue: QueueRow): Promise<Pace> {
  const rows: { status: string; duration_waiting: number; duration_service: number }[] = await database.query(
    `SELECT status, duration_waiting, duration_service FROM queuecalls WHERE queue_id = ? AND tm_end IS NOT NULL
       AND ${wereOnTheLine}
       ORDER BY tm_end DESC LIMIT ${latest}`,
    [queue.id],
  )
  const served = rows.filter(({ status }) => status === 'done')
  const sum = (list: readonly number[]) => list.reduce((all, each) => all + each, 0)
  const talked = sum(served.map(({ duration_service }) => duration_service))
  const waited = sum(rows.map(({ duration_waiting }) => duration_waiting))
  return {
    agents: await onDuty(database.manager, queue),
    serviceMs: served.length === 0 ? 0 : talked / served.length + queue.wrap_up,
    abandonRate: waited === 0 ? 0 : (rows.length - served.length) / waited,
  }
}

/** The wait of somebody at this position, rounded as one says it: to half a minute, and longer ones to minutes. */
export async function spokenWait(database: DataSource, queue: QueueRow, position: number): Promise<number | undefined> {
  const exact = estimatedWait(position, await paceOf(database, queue))
  if (exact === undefined) return undefined
  const step = exact < 120_000 ? 30 : 60
  return Math.max(step, Math.round(exact / 1_000 / step) * step)
}

/** What each agent has done in a queue in the last 24 hours. */
async function workIn(database: Database, queueId: string) {
  const rows: { id: string; calls: number; talk_time: string }[] = await database.query(
    `SELECT service_agent_id AS id, COUNT(*) AS calls, SUM(duration_service) AS talk_time FROM queuecalls
       WHERE queue_id = ? AND tm_end >= UTC_TIMESTAMP(6) - INTERVAL 1 DAY AND status = 'done' GROUP BY service_agent_id`,
    [queueId],
  )
  return new Map(rows.map(({ id, calls, talk_time }) => [id, { calls: Number(calls), talk_time: Number(talk_time) }]))
}

/** All that a wallboard shows. Times are in milliseconds. */
export async function liveState(database: DataSource, queue: QueueRow & Counters) {
  const [now] = await database.query<[Record<'waiting' | 'callbacks' | 'first', string | null> & { time: string }]>(
    `SELECT SUM(callback IS NULL) AS waiting, SUM(callback IS NOT NULL) AS callbacks,
       MIN(IF(callback IS NULL, tm_enter, NULL)) AS first, UTC_TIMESTAMP(6) AS time FROM queuecalls
       WHERE queue_id = ? AND status IN ('waiting', 'connecting')`,
    [queue.id],
  )
  const { sql, values } = servedBy(queue)
  const agents: { id: string; name: string; status: string; tm_status: string; serviced: number; missed: number }[] =
    await database.query(
      `SELECT a.id, a.name, a.status, a.status_reason, a.tm_status, a.serviced, a.missed FROM agents a WHERE ${sql}
         ORDER BY a.name, a.id LIMIT 500`,
      values,
    )
  const work = await workIn(database, queue.id)
  const waits = now.first === null ? 0 : Date.parse(`${now.time}Z`) - Date.parse(`${now.first}Z`)
  const wait = await spokenWait(database, queue, Number(now.waiting) + Number(now.callbacks) + 1)
  return {
    waiting_count: Number(now.waiting),
    callback_count: Number(now.callbacks),
    longest_wait: Math.max(0, waits),
    estimated_wait: wait === undefined ? null : wait * 1_000,
    ...serviceLevels(queue),
    ...{ total_serviced_count: queue.total_serviced_count, total_abandoned_count: queue.total_abandoned_count },
    serviced_in_level_count: queue.serviced_in_level_count,
    abandoned_in_level_count: queue.abandoned_in_level_count,
    agents: agents.map((agent) => ({
      ...agent,
      tm_status: fromSqlTime(agent.tm_status),
      ...(work.get(agent.id) ?? idle),
    })),
  }
}

/** The queues that an agent serves: those that name it, or nobody, and whose tags it all has. */
export function queuesOf(database: Database, agent: { id: string; customer_id: string }) {
  return database.query<{ id: string; name: string }[]>(
    `SELECT q.id, q.name FROM queues q WHERE q.customer_id = ? AND (q.agent_ids = '[]' OR q.agent_ids LIKE ?)
       AND NOT EXISTS (SELECT 1 FROM queue_tags qt WHERE qt.queue_id = q.id AND NOT EXISTS (
         SELECT 1 FROM agent_tags t WHERE t.agent_id = ? AND t.tag_id = qt.tag_id))
       ORDER BY q.name, q.id LIMIT 500`,
    [agent.customer_id, `%"${agent.id}"%`, agent.id],
  )
}

const idle = { calls: 0, talk_time: 0 }

const quarterSeconds = 900

/** How a queue went in each quarter of an hour of a day (UTC); those in which nothing was are left out. */
export async function historyOf(database: Database, queueId: string, day: string) {
  const rows: Record<'begin' | 'incoming' | 'serviced' | 'wait' | 'longest' | 'service', string | null>[] =
    await database.query(
      `SELECT FLOOR(TIMESTAMPDIFF(SECOND, ?, tm_end) / ${quarterSeconds}) AS begin, COUNT(*) AS incoming,
         SUM(status = 'done') AS serviced, AVG(duration_waiting) AS wait, MAX(duration_waiting) AS longest,
         AVG(IF(status = 'done', duration_service, NULL)) AS service
       FROM queuecalls WHERE queue_id = ? AND ${wereOnTheLine} AND tm_end >= ? AND tm_end < ? + INTERVAL 1 DAY
       GROUP BY begin ORDER BY begin`,
      [day, queueId, day, day],
    )
  return rows.map(({ begin, incoming, serviced, wait, longest, service }) => ({
    tm_begin: new Date(Date.parse(day) + Number(begin) * quarterSeconds * 1_000).toISOString(),
    ...{ incoming_count: Number(incoming), serviced_count: Number(serviced) },
    abandoned_count: Number(incoming) - Number(serviced),
    ...{ wait_average: Math.round(Number(wait)), wait_longest: Number(longest) },
    service_average: Math.round(Number(service ?? 0)),
  }))
}
