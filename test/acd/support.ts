import type { ExecutionContext } from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import type { Extension, Setup } from '../support/setup.ts'
import type { Softphone } from '../support/softphone.ts'

export interface QueueView {
  id: string
  direct_uri: string
  wait_queuecall_ids: string[]
  service_queuecall_ids: string[]
  total_incoming_count: number
  total_serviced_count: number
  total_abandoned_count: number
}

export interface QueuecallView {
  id: string
  reference_id: string
  status: string
  end_reason: string
  service_agent_id: string | null
  offers: number
  duration_waiting: number
  duration_service: number
}

export interface AgentView {
  id: string
  username: string
  status: string
  status_reason: string
}

let agents = 0

/** An agent who is available, with a phone that is registered. */
export async function agentWithPhone(
  setup: Setup,
  options: { tone?: number; tags?: string[]; answers?: boolean } = {},
): Promise<{ agent: AgentView; phone: Softphone; extension: Extension }> {
  const extension = await setup.extension()
  const { tone, tags = [], answers = false } = options
  const phone = await setup.phone(extension, { answers, ...(tone !== undefined && { tone }) })
  const agent = await makeAgent(setup, extension, tags)
  await says(setup, agent, 'available')
  return { agent, phone, extension }
}

export async function makeAgent(
  setup: Setup,
  extension: Extension,
  tag_ids: string[] = [],
  more: object = {},
): Promise<AgentView> {
  const addresses = [{ type: 'extension', target: extension.id }]
  const values = { username: `agent${agents++}`, password: 'a long password', addresses, tag_ids, ...more }
  const { status, body } = await setup.api<AgentView>('POST', '/agents', values)
  if (status !== 201) throw new Error(`the agent is refused: ${JSON.stringify(body)}`)
  return body
}

export async function says(setup: Setup, { id }: { id: string }, status: string): Promise<void> {
  const answer = await setup.api('PUT', `/agents/${id}/status`, { status })
  if (answer.status !== 200) throw new Error(`the status is refused: ${JSON.stringify(answer.body)}`)
}

export async function makeQueue(setup: Setup, values: object = {}): Promise<QueueView> {
  const { status, body } = await setup.api<QueueView>('POST', '/queues', { name: 'test', ...values })
  if (status !== 201) throw new Error(`the queue is refused: ${JSON.stringify(body)}`)
  return body
}

/** Who is or was in the queue, the first to come first. */
export async function queuecalls(setup: Setup, queue: { id: string }): Promise<QueuecallView[]> {
  const path = `/queuecalls?queue_id=${queue.id}`
  return (await setup.api<{ result: QueuecallView[] }>('GET', path)).body.result.reverse()
}

/** A phone that nobody knows, in the queue. */
export async function waits(setup: Setup, queue: QueueView, options: { tone?: number } = {}): Promise<Softphone> {
  const before = (await queuecalls(setup, queue)).length
  const caller = await setup.stranger(options)
  await caller.dial(queue.direct_uri)
  await caller.established()
  const isIn = await becomesTrue(15_000, async () => (await queuecalls(setup, queue)).length > before)
  if (!isIn) throw new Error('the caller did not come into the queue')
  return caller
}

/** Waits until the statuses of all who came into the queue are these, in their order. */
export async function statusesAre(
  t: ExecutionContext,
  setup: Setup,
  queue: { id: string },
  wanted: string[],
): Promise<QueuecallView[]> {
  let seen: QueuecallView[] = []
  const statuses = () => seen.map(({ status }) => status)
  const isSo = async () => ((seen = await queuecalls(setup, queue)), statuses().join() === wanted.join())
  await becomesTrue(15_000, isSo)
  t.deepEqual(statuses(), wanted)
  return seen
}

/** Waits until the agent is as wanted. */
export async function agentIs(t: ExecutionContext, setup: Setup, { id }: { id: string }, status: string, reason = '') {
  let seen: AgentView | undefined
  const isSo = async () => {
    seen = (await setup.api<AgentView>('GET', `/agents/${id}`)).body
    return seen.status === status && seen.status_reason === reason
  }
  await becomesTrue(15_000, isSo)
  t.deepEqual([seen?.status, seen?.status_reason], [status, reason])
}
