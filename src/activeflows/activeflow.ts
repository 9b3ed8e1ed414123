import { callVariables } from '../actions/variables.ts'
import type { Call, CallHouse } from '../calls/call.ts'
import type { StepLike } from '../calls/run.ts'
import { now } from '../database.ts'
import type { Entry } from '../database/write-behind.ts'
import type { FlowReference } from '../outbound/flows.ts'

/** A list of actions and where it is. */
export interface Frame {
  actions: readonly StepLike[]
  cursor: number
  /** Of the action at each index, what it counts (`run.count`). */
  counts?: Record<number, number>
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
  /** Of the digits in the variables those that no digits_receive has counted. */
  digits_ahead?: string
  /** The flow that runs when this one has ended. */
  on_complete_flow_id?: string | null
  /** How many flows have ended before this one, and the last of them. */
  complete_count?: number
  reference_activeflow_id?: string
  /** How often the process has gone down while the current action ran; only while that is in doubt (see trial.ts). */
  deaths?: number
  /** Of an outgoing call: it runs while that rings. */
  early?: true
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

/** How far a list of actions has come. */
export type Progress = Pick<ActiveflowRow, 'id' | 'state' | 'executed_actions'>

export const activeflowColumns = [
  ...['id', 'customer_id', 'flow_id', 'reference_type', 'reference_id', 'status', 'state', 'executed_actions'],
  ...['tm_create', 'tm_update', 'tm_end'],
] as const

/** A new activeflow for the call, before its first action. */
export function createActiveflow(call: Call, actions: readonly StepLike[], flow: FlowReference | null): ActiveflowRow {
  return {
    ...{ id: call.row.activeflow_id, customer_id: call.row.customer_id, flow_id: flow?.id ?? null },
    ...{ reference_type: 'call', reference_id: call.id, status: 'running' },
    state: {
      ...{ stack: [{ actions, cursor: 0 }], executions: 0, variables: callVariables(call), memory: {} },
      ...(flow?.on_complete_flow_id && { on_complete_flow_id: flow.on_complete_flow_id }),
    },
    ...{ executed_actions: [], tm_create: now(), tm_update: null, tm_end: null },
  }
}

/** A flow that runs fast is told of so often. */
const updatesMs = 5_000
const toldAt = new WeakMap<ActiveflowRow, number>()

/** The row, and what is told of it: its beginning, that it goes on, its end. */
export function activeflowEntries({ eventOf }: Pick<CallHouse, 'eventOf'>, flow: ActiveflowRow): Entry[] {
  const told = toldAt.get(flow)
  const isNew = told === undefined && flow.tm_update === null
  const isDue = flow.status === 'ended' || isNew || performance.now() - (told ?? -Infinity) >= updatesMs
  if (!isDue) return [['activeflows', flow]]
  toldAt.set(flow, performance.now())
  const what = flow.status === 'ended' ? 'ended' : isNew ? 'created' : 'updated'
  const begun: Entry[] = isNew && what === 'ended' ? [['events', eventOf('activeflow', 'created', flow)]] : []
  if (!isNew) flow.tm_update = now()
  return [['activeflows', flow], ...begun, ['events', eventOf('activeflow', what, flow)]]
}

export function storeActiveflow(house: CallHouse, flow: ActiveflowRow, urgency?: 'now' | 'soon'): Promise<void> {
  return house.writes.store(activeflowEntries(house, flow), urgency)
}
