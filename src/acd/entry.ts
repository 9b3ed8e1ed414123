import type { KeptRun } from '../calls/run.ts'
import { fromSqlTime, now, toSqlTime } from '../database.ts'
import type { EndReason, QueuecallRow, QueueRow, Skill } from './row.ts'

/** How a caller comes into a queue. */
export interface JoinOptions {
  queue_id: string
  priority?: number
  skills?: readonly Skill[]
  /** Whom this call calls back. */
  queuecall_id?: string
}

/** What a caller gets who is out of it; null: their flow goes on. */
export function flowAfter(queue: QueueRow, reason: EndReason): string | null {
  if (reason === 'timeout') return queue.on_timeout_flow_id
  if (reason === 'empty') return queue.on_empty_flow_id
  return reason === 'full' ? queue.on_full_flow_id : null
}

export function newRow({ call }: KeptRun, queue: QueueRow, id: string, options: JoinOptions): QueuecallRow {
  const { priority = 0, skills = [] } = options
  const enter_ = toSqlTime(now())
  const tm_enter = fromSqlTime(enter_)
  const rank = new Date(Date.parse(tm_enter) - priority * queue.priority_seconds * 1_000)
  return {
    ...{ id, customer_id: queue.customer_id, queue_id: queue.id, activeflow_id: call.row.activeflow_id },
    ...{ reference_id: call.id, node: call.node.name, status: 'waiting', end_reason: '', service_agent_id: null },
    ...{
      callback: null,
      tm_callback: null,
      priority,
      skills,
      offers: 0,
      duration_waiting: 0,
      duration_service: 0,
      tm_enter,
    },
    tm_rank: priority === 0 ? tm_enter : fromSqlTime(toSqlTime(rank)),
    ...{ tm_service: null, tm_end: null, tm_create: tm_enter, tm_update: null },
  }
}
