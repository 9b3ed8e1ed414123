import type { StepLike } from '../actions/action.ts'
import { callVariables } from '../actions/variables.ts'
import type { Call } from '../calls/call.ts'
import { now } from '../database.ts'

interface Frame {
  actions: readonly StepLike[]
  cursor: number
}

export interface ExecutedAction {
  id: string
  type: string
  tm_start: string
  tm_end: string | null
  result: string
}

/** What it takes to run the current action again. */
export interface State {
  stack: Frame[]
  /** How many actions were begun: with the activeflow's id it names a place in its course. */
  executions: number
  variables: Record<string, string>
  /** The current action's own. */
  memory: Record<string, unknown>
}

/** A row of `activeflows`; see sql/001-foundation.sql. */
export interface ActiveflowRow {
  id: string
  customer_id: string
  flow_id: string | null
  reference_type: 'call' | 'api'
  reference_id: string
  status: 'running' | 'ended'
  state: State
  executed_actions: ExecutedAction[]
  tm_create: string
  tm_update: string | null
  tm_end: string | null
}

export const activeflowColumns = [
  ...['id', 'customer_id', 'flow_id', 'reference_type', 'reference_id', 'status', 'state', 'executed_actions'],
  ...['tm_create', 'tm_update', 'tm_end'],
] as const

/** A new activeflow for the call, before its first action. */
export function createActiveflow(call: Call, actions: readonly StepLike[], flowId: string | null): ActiveflowRow {
  return {
    ...{ id: call.row.activeflow_id, customer_id: call.row.customer_id, flow_id: flowId },
    ...{ reference_type: 'call', reference_id: call.id, status: 'running' },
    state: { stack: [{ actions, cursor: 0 }], executions: 0, variables: callVariables(call), memory: {} },
    ...{ executed_actions: [], tm_create: now(), tm_update: null, tm_end: null },
  }
}
