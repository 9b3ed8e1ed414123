import type { AriNode } from '../ari/connection.ts'
import type { Directory } from '../calls/directory.ts'
import { limitColumns, type CustomerLimits } from '../calls/limits.ts'
import { expandAgents, resolveAll, type Callee, type RingMethod } from '../calls/agents.ts'
import { addressOf, problemsError, type CallerId } from '../calls/party.ts'
import type { Problem, ResolvedDestination, Source } from '../calls/party.ts'
import type { StepLike } from '../calls/run.ts'
import type { Trail } from '../calls/stamp.ts'
import { HashdialError } from '../errors.ts'
import type { FlowReference } from './flows.ts'

/** Somebody wants to call: who, as whom, and what the call gets when it is answered. */
export interface OriginateRequest {
  customer_id: string
  source?: Source | undefined
  /** Several are a groupcall, and so is an agent. */
  destinations: readonly Callee[]
  ring_method?: RingMethod | undefined
  /** The customer's flow, or a list of actions that was checked. */
  flow_id?: string | undefined
  actions?: readonly StepLike[] | undefined
  anonymous?: boolean | undefined
  /** The flow begins while it rings. */
  early_execution?: boolean | undefined
  /** What the flow begins with, beside what it knows of its call. */
  variables?: Record<string, string> | undefined
  /** The call that these end with. */
  master_call_id?: string | undefined
  /** A groupcall of one destination is one too. */
  group?: true
  /** How the call that gives the order has come here. */
  trail?: Trail
  /** The ids are made from it: what was made already is not made again. */
  place?: string
  node?: AriNode
}

/** What there is to an order when everything that it names was found. */
export interface ResolvedRequest {
  source: CallerId
  parties: ResolvedDestination[]
  ring_method: RingMethod
  actions: readonly StepLike[]
  flow: FlowReference | null
  limits: CustomerLimits
}

/** Finds what an order names. Rejects with a HashdialError that says what is missing. */
export async function resolveRequest(directory: Directory, order: OriginateRequest): Promise<ResolvedRequest> {
  const { customer_id } = order
  const expanded = await expandAgents(directory, customer_id, order.destinations)
  const [source, { found: parties, problems }, flow, limits] = await Promise.all([
    order.source ? addressOf(directory, customer_id, order.source) : unknown,
    resolveAll(directory, customer_id, expanded),
    order.flow_id ? findFlow(directory, customer_id, order.flow_id) : { actions: order.actions ?? [], flow: null },
    findLimits(directory, customer_id),
  ])
  refuseWrong(problems, parties.length)
  return { source, parties, ring_method: order.ring_method ?? expanded.ringMethod ?? 'ring_all', ...flow, limits }
}

/** An agent that cannot be called now is left out, as long as there is somebody else. */
function refuseWrong(problems: readonly Problem[], found: number): void {
  const wrong = problems.filter(({ isUnreachable }) => !isUnreachable)
  const refused = wrong.length > 0 ? wrong : found > 0 ? [] : problems
  if (refused.length > 0) throw problemsError(refused, 'destinations')
}

const unknown: CallerId = { address: { type: '', target: '', target_name: '' }, domain: '' }

async function findLimits({ database }: Directory, customerId: string): Promise<CustomerLimits> {
  const rows: CustomerLimits[] = await database.query(`SELECT ${limitColumns.join(', ')} FROM customers WHERE id = ?`, [
    customerId,
  ])
  return rows[0] ?? { max_calls: 0, calls_per_second: 0 }
}

async function findFlow(
  { database }: Directory,
  customerId: string,
  id: string,
): Promise<Pick<ResolvedRequest, 'actions' | 'flow'>> {
  const rows: { actions: string; on_complete_flow_id: string | null }[] = await database.query(
    'SELECT actions, on_complete_flow_id FROM flows WHERE id = ? AND customer_id = ?',
    [id, customerId],
  )
  const [row] = rows
  if (!row) throw new HashdialError('NOT_FOUND', 'FLOW_NOT_FOUND', `you have no flow ${id}`)
  const { on_complete_flow_id } = row
  return { actions: JSON.parse(row.actions) as StepLike[], flow: { id, on_complete_flow_id } }
}
