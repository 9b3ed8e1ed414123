import Joi from 'joi'
import { Column, Entity, Index } from 'typeorm'
import type { ConferencecallRow } from '../conferences/row.ts'
import { BelongsTo, Exact, Flag, Id, Reference, Time } from '../database/columns.ts'
import { conferencecallCommands } from './conference-commands.ts'
import { customerId, id, time, times } from './fields.ts'
import type { Resource } from './resource.ts'

@Entity({ name: 'conferencecalls' })
@Index('conferencecalls_newest', ['customer_id', 'tm_create', 'id'])
@Index('conferencecalls_conference', ['conference_id', 'tm_end'])
@Index('conferencecalls_reference', ['reference_id'])
@Index('conferencecalls_live', ['node', 'tm_end'])
@Index('conferencecalls_old', ['tm_end'])
export class Conferencecall implements ConferencecallRow {
  @Id() id: string
  @BelongsTo('customers', 'conferencecalls_customer') customer_id: string
  @Reference() conference_id: string
  @Reference() activeflow_id: string
  @Reference() reference_id: string
  @Exact(16) status: ConferencecallRow['status']
  @Flag() moderator: boolean
  @Flag() muted: boolean
  @Flag() held: boolean
  @Flag() talking: boolean
  @Column({ type: 'int', default: 0 }) volume_heard: number
  @Column({ type: 'int', default: 0 }) volume_spoken: number
  @Exact(96) name_file: string
  @Exact(64) node: string
  @Time() tm_join: string
  @Time({ nullable: true }) tm_end: string | null
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
}

export const conferencecalls: Resource<Conferencecall> = {
  type: 'conferencecall',
  plural: 'conferencecalls',
  about: 'Somebody in a conference, from the moment they come in. Deleting one sends them out.',
  entity: Conferencecall,
  schema: {
    read: Joi.object({
      id: id().required(),
      customer_id: customerId,
      conference_id: id().required(),
      activeflow_id: id().required(),
      reference_id: id().required().description('The call.'),
      status: Joi.valid('joining', 'joined', 'leaving', 'left').required(),
      moderator: Joi.boolean().required(),
      muted: Joi.boolean().required(),
      held: Joi.boolean().required(),
      talking: Joi.boolean().required().description('They are heard, and say something.'),
      volume_heard: Joi.number().integer().required().description('How loud they hear the others, in dB.'),
      volume_spoken: Joi.number().integer().required().description('How loud the others hear them, in dB.'),
      tm_join: time().required(),
      tm_end: time().allow(null).required().description('null while they are in it.'),
      ...times,
    }),
    filter: Joi.object({ conference_id: id(), reference_id: id(), status: Joi.valid('joined', 'leaving', 'left') }),
  },
  dismiss: (row, site) => conferencecallCommands.kick!.run(row, {}, site),
  commands: conferencecallCommands,
}
