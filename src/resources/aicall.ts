import Joi from 'joi'
import { Column, Entity, Index } from 'typeorm'
import type { AicallRow, AimessageRow, EndReason, Timing, ToolCall } from '../conversation/row.ts'
import { BelongsTo, Count, Exact, Flag, Id, Json, Reference, Time } from '../database/columns.ts'
import { carries } from './carries.ts'
import { customerId, id, time, times } from './fields.ts'
import type { Resource } from './resource.ts'

@Entity({ name: 'aicalls' })
@Index('aicalls_newest', ['customer_id', 'tm_create', 'id'])
@Index('aicalls_reference', ['reference_id'])
@Index('aicalls_ai', ['ai_id', 'tm_create'])
@Index('aicalls_live', ['node', 'tm_end'])
@Index('aicalls_old', ['tm_end'])
export class Aicall implements AicallRow {
  @Id() id: string
  @BelongsTo('customers', 'aicalls_customer') customer_id: string
  @Exact(16) assistance_type: AicallRow['assistance_type']
  @Reference() assistance_id: string
  @Reference() ai_id: string
  @Reference({ nullable: true }) current_member_id: string | null
  @Reference() activeflow_id: string
  @Exact(16) reference_type: AicallRow['reference_type']
  @Reference() reference_id: string
  @Exact(64) node: string
  @Exact(16) status: AicallRow['status']
  @Exact(16) end_reason: EndReason
  @Json('text') variables: Record<string, string>
  @Column({ type: 'text' }) summary: string
  @Time({ nullable: true }) tm_end: string | null
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
}

@Entity({ name: 'aimessages' })
@Index('aimessages_newest', ['customer_id', 'tm_create', 'id'])
@Index('aimessages_aicall', ['aicall_id', 'sequence'])
export class Aimessage implements AimessageRow {
  @Id() id: string
  @BelongsTo('customers', 'aimessages_customer') customer_id: string
  @BelongsTo('aicalls', 'aimessages_owner') aicall_id: string
  @Count() sequence: number
  @Reference({ nullable: true }) member_id: string | null
  @Exact(16) role: AimessageRow['role']
  @Exact(16) direction: AimessageRow['direction']
  @Column({ type: 'mediumtext' }) content: string
  @Flag() interrupted: boolean
  @Json('text') tool_calls: ToolCall[]
  @Column({ type: 'varchar', length: 255 }) tool_call_id: string
  @Json('text') timing: Timing
  @Time() tm_create: string
}

const endReasons = ['', 'hangup', 'stopped', 'handed_over', 'silence', 'max_duration', 'failed']

export const aicalls: Resource<Aicall> = {
  type: 'aicall',
  plural: 'aicalls',
  about: 'A conversation of a caller with an AI or a team. Deleting one that goes on ends it: the flow goes on.',
  entity: Aicall,
  schema: {
    read: Joi.object({
      id: id().required(),
      customer_id: customerId,
      assistance_type: Joi.valid('ai', 'team').required(),
      assistance_id: id().required().description('The AI or the team.'),
      ai_id: id().required().description('The AI that talks, or has talked last.'),
      current_member_id: id().allow(null).required().description('The member of the team that talks.'),
      activeflow_id: id().required(),
      reference_type: Joi.valid('call').required(),
      reference_id: id().required().description('The call.'),
      status: Joi.valid('progressing', 'terminated').required(),
      end_reason: Joi.valid(...endReasons)
        .required()
        .description('Why it ended; "" while it lasts.'),
      variables: Joi.object().required().description('What the AI has noted (`variable_names`), once it has ended.'),
      summary: Joi.string().allow('').required().description('What it was about, where it ended before the call.'),
      tm_end: time().allow(null).required(),
      ...times,
    }),
    filter: Joi.object({ assistance_id: id(), reference_id: id(), status: Joi.valid('progressing', 'terminated') }),
  },
  async dismiss(row, { conversations }) {
    await carries(conversations).end(row)
  },
}

const after = Joi.number().integer().min(0).unit('milliseconds')

export const aimessages: Resource<Aimessage> = {
  type: 'aimessage',
  plural: 'aimessages',
  about: 'What was said in a conversation with an AI, and what the AI did.',
  entity: Aimessage,
  schema: {
    read: Joi.object({
      id: id().required(),
      customer_id: customerId,
      aicall_id: id().required(),
      sequence: Joi.number().integer().required().description('Its place in the conversation, from 1.'),
      member_id: id().allow(null).required().description('The member of the team that talked.'),
      role: Joi.valid('user', 'assistant', 'tool', 'notification').required(),
      direction: Joi.valid('incoming', 'outgoing', 'none').required().description('incoming: from the caller.'),
      content: Joi.string().allow('').required().description('The text. Of the AI: what was heard of it.'),
      interrupted: Joi.boolean().required().description('The caller has interrupted it.'),
      tool_calls: Joi.array()
        .items(
          Joi.object({
            id: Joi.string().required(),
            name: Joi.string().required(),
            arguments: Joi.string().allow('').required().description('JSON, as the model gave it.'),
          }),
        )
        .required(),
      tool_call_id: Joi.string().allow('').required().description('Of a result: which call of a tool it answers.'),
      timing: Joi.object({ transcript_ms: after, turn_ms: after, first_token_ms: after, first_audio_ms: after })
        .required()
        .description('Of an answer: when each step was reached, after the caller had ended.'),
      tm_create: times.tm_create,
    }),
    filter: Joi.object({ aicall_id: id() }),
  },
}
