import Joi from 'joi'
import { Entity, Index } from 'typeorm'
import type { RecordingRow } from '../media/recordings.ts'
import { BelongsTo, Exact, Id, Reference, Time } from '../database/columns.ts'
import { HashdialError } from '../errors.ts'
import { id, partOfCall, time, times } from './fields.ts'
import type { RecordingFiles, Resource, Site } from './resource.ts'

@Entity({ name: 'recordings' })
@Index('recordings_newest', ['customer_id', 'tm_create', 'id'])
@Index('recordings_reference', ['reference_id'])
@Index('recordings_live', ['node', 'tm_end'])
export class Recording implements RecordingRow {
  @Id() id: string
  @BelongsTo('customers', 'recordings_customer') customer_id: string
  @Reference({ nullable: true }) activeflow_id: string | null
  @Exact(16) reference_type: RecordingRow['reference_type']
  @Reference() reference_id: string
  @Reference({ nullable: true }) on_end_flow_id: string | null
  @Exact(16) status: RecordingRow['status']
  @Exact(8) format: RecordingRow['format']
  @Exact(16) end_of_key: string
  @Exact(64) node: string
  @Exact(96) file: string
  @Time() tm_start: string
  @Time({ nullable: true }) tm_end: string | null
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
}

export const recordings: Resource<Recording> = {
  type: 'recording',
  plural: 'recordings',
  about: 'The sound of a call, of both parties in one file, or of all who are in a conference.',
  entity: Recording,
  deletable: true,
  schema: {
    read: Joi.object({
      ...partOfCall,
      activeflow_id: partOfCall.activeflow_id.allow(null).description('The activeflow that began it; null: none did.'),
      reference_type: Joi.valid('call', 'conference').required(),
      reference_id: id().required().description('The call, or the conference.'),
      status: Joi.valid('recording', 'ended', 'failed').required().description('failed: there is no file.'),
      format: Joi.valid('wav').required(),
      tm_start: time().required(),
      tm_end: time().allow(null).required().description('null while it is made.'),
      ...times,
    }),
    filter: Joi.object({ reference_id: id() }),
  },
  file: {
    summary: 'Download its sound',
    type: 'audio/wav',
    extension: 'wav',
    async read(row, site) {
      if (row.tm_end !== null) return files(site).read(row.node, row.file)
      throw new HashdialError('FAILED_PRECONDITION', 'RECORDING_NOT_ENDED', 'it is being made: wait for its end')
    },
  },
  removed: (row, site) => files(site).remove(row.node, row.file),
}

function files({ recordings: found }: Site): RecordingFiles {
  if (found) return found
  throw new HashdialError('UNAVAILABLE', 'CALLS_UNAVAILABLE', 'this process has no Asterisk')
}
