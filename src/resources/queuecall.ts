import Joi from 'joi'
import { Column, Entity, Index, Unique } from 'typeorm'
import type { Callback, OfferResult, OfferRow, QueuecallRow, Skill } from '../acd/row.ts'
import { destination, type Destination } from '../calls/party.ts'
import { BelongsTo, Count, Exact, Id, Json, Reference, Time } from '../database/columns.ts'
import { carries } from './carries.ts'
import { customerId, id, time, times } from './fields.ts'
import type { Resource } from './resource.ts'

@Entity({ name: 'queuecalls' })
@Index('queuecalls_newest', ['customer_id', 'tm_create', 'id'])
@Index('queuecalls_rank', ['queue_id', 'status', 'tm_rank', 'id'])
@Index('queuecalls_ended', ['queue_id', 'tm_end'])
@Index('queuecalls_reference', ['reference_id'])
@Index('queuecalls_live', ['node', 'tm_end'])
@Index('queuecalls_agent', ['service_agent_id', 'tm_create'])
@Index('queuecalls_old', ['tm_end'])
export class Queuecall implements QueuecallRow {
  @Id() id: string
  @BelongsTo('customers', 'queuecalls_customer') customer_id: string
  @Reference() queue_id: string
  @Reference() activeflow_id: string
  @Reference() reference_id: string
  @Exact(64) node: string
  @Exact(16) status: QueuecallRow['status']
  @Exact(16) end_reason: QueuecallRow['end_reason']
  @Reference({ nullable: true }) service_agent_id: string | null
  @Column({ type: 'int' }) priority: number
  @Json('text') skills: Skill[]
  @Count() offers: number
  @Count() duration_waiting: number
  @Count() duration_service: number
  @Time() tm_enter: string
  @Time() tm_rank: string
  @Json('text', { nullable: true }) callback: Callback | null
  @Time({ nullable: true }) tm_callback: string | null
  @Time({ nullable: true }) tm_service: string | null
  @Time({ nullable: true }) tm_end: string | null
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
}

/** See sql/016-queues.sql. */
@Entity({ name: 'queue_offers' })
@Unique('queue_offers_ringing', ['ringing_agent_id'])
@Index('queue_offers_call', ['queuecall_id', 'tm_create'])
@Index('queue_offers_agent', ['agent_id', 'tm_create'])
export class QueueOffer implements OfferRow {
  @Id() id: string
  @BelongsTo('queuecalls', 'queue_offers_owner') queuecall_id: string
  @Reference() agent_id: string
  @Reference({ nullable: true }) ringing_agent_id: string | null
  @Count() number: number
  @Exact(16) result: OfferResult
  @Time() tm_create: string
  @Time({ nullable: true }) tm_end: string | null
}

const statuses = ['initiating', 'waiting', 'connecting', 'kicking', 'service', 'done', 'abandoned']
const milliseconds = Joi.number().integer().min(0).required().unit('milliseconds')

export const queuecalls: Resource<Queuecall> = {
  type: 'queuecall',
  plural: 'queuecalls',
  about: 'A caller in a queue, from the moment they come to the end of their talk with an agent.',
  entity: Queuecall,
  schema: {
    read: Joi.object({
      id: id().required(),
      customer_id: customerId,
      queue_id: id().required(),
      activeflow_id: id().required(),
      reference_id: id().required().description('The call.'),
      status: Joi.valid(...statuses).required(),
      end_reason: Joi.string().allow('').required().description('Why it ended; "" while it lasts.').example('serviced'),
      service_agent_id: id().allow(null).required().description('Who serves them, or has.'),
      priority: Joi.number().integer().required(),
      offers: Joi.number().integer().min(0).required().description('How often they were offered to somebody.'),
      callback: Joi.object({
        to: destination.required(),
        from: destination,
        attempts: Joi.number().integer().min(0).required(),
      })
        .allow(null)
        .required()
        .description('Where they are called when it is their turn; null: they are on the line, or were.'),
      tm_callback: time().allow(null).required().description('They are not called before.'),
      duration_waiting: milliseconds,
      duration_service: milliseconds,
      tm_enter: time().required(),
      tm_service: time().allow(null).required().description('When an agent answered.'),
      tm_end: time().allow(null).required(),
      ...times,
    }),
    filter: Joi.object({ queue_id: id(), reference_id: id(), status: Joi.valid(...statuses) }),
  },
  commands: {
    kick: {
      method: 'POST',
      summary: 'Send them out of the queue, also while they talk: their flow goes on',
      async run(row, _body, { queues }) {
        await carries(queues).kick(row)
      },
    },
    callback: {
      method: 'POST',
      summary: 'Promise to call them back when it is their turn: they hear so, and their flow goes on',
      body: Joi.object({ destination: destination.description('Where; without it the number that they call from.') }),
      async run(row, { destination: to }, { queues }) {
        await carries(queues).promiseCallback(row, to as Destination | undefined)
      },
    },
  },
}
