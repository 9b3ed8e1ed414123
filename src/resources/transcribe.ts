import Joi from 'joi'
import { Column, Entity, Index } from 'typeorm'
import type { TranscribeRow, TranscriptRow } from '../media/transcription.ts'
import { BelongsTo, Count, Exact, Id, Reference, Time } from '../database/columns.ts'
import { customerId, id, partOfCall, time, times } from './fields.ts'
import type { Resource } from './resource.ts'

@Entity({ name: 'transcribes' })
@Index('transcribes_newest', ['customer_id', 'tm_create', 'id'])
@Index('transcribes_reference', ['reference_id'])
@Index('transcribes_live', ['node', 'tm_end'])
@Index('transcribes_old', ['tm_end'])
export class Transcribe implements TranscribeRow {
  @Id() id: string
  @BelongsTo('customers', 'transcribes_customer') customer_id: string
  @Reference() activeflow_id: string
  @Exact(16) reference_type: TranscribeRow['reference_type']
  @Reference() reference_id: string
  @Reference({ nullable: true }) on_end_flow_id: string | null
  @Exact(16) status: TranscribeRow['status']
  @Exact(64) provider: string
  @Exact(32) language: string
  @Exact(8) direction: TranscribeRow['direction']
  @Exact(64) node: string
  @Exact(64) place: string
  @Time({ nullable: true }) tm_end: string | null
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
}

@Entity({ name: 'transcripts' })
@Index('transcripts_newest', ['customer_id', 'tm_create', 'id'])
@Index('transcripts_transcribe', ['transcribe_id', 'tm_create', 'id'])
export class Transcript implements TranscriptRow {
  @Id() id: string
  @BelongsTo('customers', 'transcripts_customer') customer_id: string
  @BelongsTo('transcribes', 'transcripts_owner') transcribe_id: string
  @Exact(8) direction: TranscriptRow['direction']
  @Column({ type: 'text' }) message: string
  @Count() offset_ms: number
  @Time() tm_create: string
}

export const transcribes: Resource<Transcribe> = {
  type: 'transcribe',
  plural: 'transcribes',
  about: 'That what is said in a call is written down; what was said are its transcripts.',
  entity: Transcribe,
  deletable: true,
  schema: {
    read: Joi.object({
      ...partOfCall,
      status: Joi.valid('progressing', 'done').required(),
      provider: Joi.string().required().description('Who understands what is said.').example('moonshine'),
      language: Joi.string()
        .allow('')
        .required()
        .description('A BCP 47 tag; "": the provider\'s own.')
        .example('en-US'),
      direction: Joi.valid('both', 'in', 'out').required().description('in: the caller; out: what the caller hears.'),
      tm_end: time().allow(null).required().description('null while it lasts.'),
      ...times,
    }),
    filter: Joi.object({ reference_id: id() }),
  },
  async removed(row, site) {
    if (row.tm_end === null) site.calls?.checkHere?.(row.node)
    site.transcribes?.drop(row.id)
  },
}

export const transcripts: Resource<Transcript> = {
  type: 'transcript',
  plural: 'transcripts',
  about: 'What somebody said at once, as text. Deleted with its transcribe.',
  entity: Transcript,
  schema: {
    read: Joi.object({
      id: id().required(),
      customer_id: customerId,
      transcribe_id: id().required(),
      direction: Joi.valid('in', 'out').required().description('in: the caller; out: what the caller heard.'),
      message: Joi.string().required(),
      offset_ms: Joi.number().integer().min(0).required().description('When it began, from the answer of the call on.'),
      tm_create: times.tm_create,
    }),
    filter: Joi.object({ transcribe_id: id() }),
  },
}
