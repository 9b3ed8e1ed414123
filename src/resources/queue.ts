import { Column, Entity, Index } from 'typeorm'
import { historyOf, liveState } from '../acd/state.ts'
import { isServedBy } from '../acd/queuecall.ts'
import type { QueueRow, RoutingMethod, SkillStep } from '../acd/row.ts'
import { BelongsTo, Count, Exact, Flag, Id, Json, Reference, RefersTo, Text, Time } from '../database/columns.ts'
import { DirectHash } from '../directs/direct.ts'
import { checkTags, levelsOf, type TagLevel } from './agent-tags.ts'
import { setQueueTags, tagsOfQueues } from './queue-tags.ts'
import { createSchema, historyQuery, historySchema, readSchema, stateSchema, updateSchema } from './queue-schema.ts'
import { checkReferences, referencesIn } from './references.ts'
import { relatedIds } from './related.ts'
import type { Body, Change, DialableResource } from './resource.ts'

@Entity({ name: 'queues' })
@Index('queues_newest', ['customer_id', 'tm_create', 'id'])
export class Queue implements QueueRow {
  @Id() id: string
  @BelongsTo('customers', 'queues_customer') customer_id: string
  @Text(255) name: string
  @Text(1024) detail: string
  @Exact(16) routing_method: RoutingMethod
  @Json('text') agent_ids: string[]
  @Json('text') skill_steps: SkillStep[]
  @RefersTo('flows', 'queues_wait_flow') wait_flow_id: string | null
  @Count({ default: 0 }) announce_interval: number
  @Column({ type: 'varchar', length: 1024, default: '' }) announce_text: string
  @Count() wait_timeout: number
  @Count() service_timeout: number
  @Count() ring_timeout: number
  @Count() wrap_up: number
  @Count() max_waiting: number
  @Flag() join_empty: boolean
  @Flag() leave_when_empty: boolean
  @Count() max_misses: number
  @Count() no_answer_delay: number
  @Count() reject_delay: number
  @Count() busy_delay: number
  @Count() priority_seconds: number
  @Count() service_level: number
  @Exact(16) recording: 'auto' | 'none'
  @Text(1024) whisper: string
  @Exact(1, { default: '' }) callback_key: string
  @Count({ default: 3 }) callback_attempts: number
  @Count({ default: 10_000 }) callback_delay: number
  @Count({ default: 300_000 }) callback_retry_delay: number
  @Column({ type: 'varchar', length: 1024, default: '' }) callback_text: string
  @Column({ type: 'varchar', length: 1024, default: '' }) callback_prompt: string
  @RefersTo('flows', 'queues_on_timeout') on_timeout_flow_id: string | null
  @RefersTo('flows', 'queues_on_empty') on_empty_flow_id: string | null
  @RefersTo('flows', 'queues_on_full') on_full_flow_id: string | null
  @Reference({ nullable: true }) last_agent_id: string | null
  @Count() total_incoming_count: number
  @Count() total_serviced_count: number
  @Count() total_abandoned_count: number
  @Count() serviced_in_level_count: number
  @Count() abandoned_in_level_count: number
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
  @DirectHash('queue') direct_hash: string
  /** These are in other tables. */
  tag_ids: TagLevel[]
  wait_queuecall_ids: string[]
  service_queuecall_ids: string[]
}

const flowFields = ['wait_flow_id', 'on_timeout_flow_id', 'on_empty_flow_id', 'on_full_flow_id']

export const queues: DialableResource<Queue> = {
  type: 'queue',
  plural: 'queues',
  about:
    'Where callers wait for agents, who has waited longest first. Anyone who calls its direct address waits in it.',
  entity: Queue,
  deletable: true,
  direct: 'on create',
  schema: { read: readSchema, create: createSchema, update: updateSchema },
  steps: ({ id: queue_id }) => [
    { type: 'answer', option: {} },
    { type: 'queue_join', option: { queue_id } },
  ],
  async check(body, where) {
    await checkTags(where.manager, where.customer_id, body.tag_ids)
    const agents = ((body.agent_ids ?? []) as string[]).map((id, index) => ({
      ...{ field: `agent_ids.${index}`, type: 'agent' as const, id },
    }))
    return checkReferences(body, where, [...referencesIn(body, 'flow', ...flowFields), ...agents])
  },
  make: () => ({
    ...{ last_agent_id: null, total_incoming_count: 0, total_serviced_count: 0, total_abandoned_count: 0 },
    ...{ serviced_in_level_count: 0, abandoned_in_level_count: 0 },
  }),
  created: store,
  updated: store,
  stored: ({ customer_id }, site) => site.queues?.wake(customer_id),
  async complete(rows, manager) {
    const tags = await tagsOfQueues(
      manager,
      rows.map(({ id }) => id),
    )
    const waiting = await relatedIds(manager, 'queuecalls', 'queue_id', rows, `status IN ('waiting', 'connecting')`)
    const served = await relatedIds(manager, 'queuecalls', 'queue_id', rows, `status = 'service'`)
    for (const row of rows)
      Object.assign(row, {
        ...{ tag_ids: tags(row.id), wait_queuecall_ids: waiting(row), service_queuecall_ids: served(row) },
      })
  },
  views: {
    state: {
      summary: 'See who waits and who serves at this moment, and how well it goes',
      answer: stateSchema,
      forAgents: true,
      concerns: (row, agentId, { database }) => isServedBy(database.manager, row, agentId),
      read: (row, { database }) => liveState(database, row),
    },
    history: {
      summary: 'See how each quarter of an hour went, of a day (UTC) whose calls are still kept',
      query: historyQuery,
      answer: historySchema,
      read: async (row, { database }, { day }) => ({ result: await historyOf(database, row.id, String(day)) }),
    },
  },
}

async function store({ row, body, manager }: Change<Queue, Body>): Promise<void> {
  if (body.tag_ids !== undefined) await setQueueTags(manager, row.id, levelsOf(body.tag_ids))
}
