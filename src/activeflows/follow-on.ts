import type { AriNode } from '../ari/connection.ts'
import type { CallFacts, CallRow } from '../calls/call.ts'
import type { StepLike } from '../calls/run.ts'
import { newTrail } from '../calls/stamp.ts'
import { now, type EntityManager } from '../database.ts'
import type { Logger } from '../log.ts'
import type { ActiveflowRow } from './activeflow.ts'

/** How many flows may follow one another. */
const chainMax = 5

/** How many flows of one customer run after calls at once. */
const atOnceMax = 50

/** A call that is over, and what is known of it. */
export function pastCall(row: CallRow, node: AriNode, log: Logger, trail = newTrail): CallFacts {
  return { id: row.id, row, node, log: log.child({ call: row.id }), trail }
}

/** The activeflow that follows one that has ended. */
export async function followComplete(
  manager: Pick<EntityManager, 'query'>,
  row: CallRow,
  ended: ActiveflowRow,
  id: string,
): Promise<ActiveflowRow | undefined> {
  const { on_complete_flow_id: flowId, complete_count: count = 0 } = ended.state
  if (!flowId) return undefined
  const { hangup_by, hangup_reason } = row
  // What follows one that follows knows it from the one before.
  const news = { 'hashdial.call.hangup_by': hangup_by, 'hashdial.call.hangup_reason': hangup_reason }
  return follow(manager, row, ended, flowId, id, count === 0 ? news : {})
}

/** An activeflow that follows another: it has its variables, and the news. */
export async function follow(
  manager: Pick<EntityManager, 'query'>,
  row: CallRow,
  before: ActiveflowRow,
  flowId: string,
  id: string,
  news: Record<string, string>,
): Promise<ActiveflowRow | undefined> {
  const { complete_count: count = 0, variables } = before.state
  if (count >= chainMax) return undefined
  const rows: { actions: string; on_complete_flow_id: string | null }[] = await manager.query(
    'SELECT actions, on_complete_flow_id FROM flows WHERE id = ? AND customer_id = ?',
    [flowId, row.customer_id],
  )
  const [flow] = rows
  if (!flow) return undefined
  const more = {
    'hashdial.activeflow.id': id,
    'hashdial.activeflow.reference_activeflow_id': before.id,
    'hashdial.activeflow.complete_count': String(count + 1),
    ...news,
  }
  return {
    ...{ id, customer_id: row.customer_id, flow_id: flowId, reference_type: 'call', reference_id: row.id },
    status: 'running',
    state: {
      stack: [{ actions: JSON.parse(flow.actions) as StepLike[], cursor: 0 }],
      ...{ executions: 0, variables: { ...variables, ...more }, memory: {} },
      ...{ on_complete_flow_id: flow.on_complete_flow_id, complete_count: count + 1 },
      reference_activeflow_id: before.id,
    },
    ...{ executed_actions: [], tm_create: now(), tm_update: null, tm_end: null },
  }
}

/** Lets a customer have so many flows after calls at once; the others wait for their turn. */
export class CustomerTurns {
  /** How many of each customer there are, and those of them that wait. */
  readonly #customers = new Map<string, { count: number; waiting: (() => void)[] }>()

  countOf(customerId: string): number {
    return this.#customers.get(customerId)?.count ?? 0
  }

  async inTurn(customerId: string, run: () => Promise<void>): Promise<void> {
    const customer = this.#customers.get(customerId) ?? { count: 0, waiting: [] }
    this.#customers.set(customerId, customer)
    customer.count++
    if (customer.count > atOnceMax) await new Promise<void>((resolve) => customer.waiting.push(resolve))
    try {
      await run()
    } finally {
      customer.count--
      customer.waiting.shift()?.()
      if (customer.count === 0) this.#customers.delete(customerId)
    }
  }
}
