import Joi from 'joi'
import { Entity, Index } from 'typeorm'
import type { GroupcallRow } from '../outbound/groupcall.ts'
import { BelongsTo, Exact, Id, Json, Reference, Time } from '../database/columns.ts'
import { HashdialError } from '../errors.ts'
import { carries } from './carries.ts'
import { customerId, id, time, times } from './fields.ts'
import { address, carryOut, groupcallOrder } from './order.ts'
import { relatedIds } from './related.ts'
import type { Resource } from './resource.ts'

@Entity({ name: 'groupcalls' })
@Index('groupcalls_newest', ['customer_id', 'tm_create', 'id'])
@Index('groupcalls_live', ['node', 'tm_hangup'])
@Index('groupcalls_old', ['tm_hangup'])
export class GroupcallRecord implements GroupcallRow {
  @Id() id: string
  @BelongsTo('customers', 'groupcalls_customer') customer_id: string
  @Reference({ nullable: true }) flow_id: string | null
  @Reference({ nullable: true }) master_call_id: string | null
  @Reference({ nullable: true }) answer_call_id: string | null
  @Exact(64) node: string
  @Json('text') source: GroupcallRow['source']
  @Json('text') destinations: GroupcallRow['destinations']
  @Exact(8) ring_method: GroupcallRow['ring_method']
  @Exact(16) status: GroupcallRow['status']
  @Exact(8) hangup_by: GroupcallRow['hangup_by']
  @Exact(16) hangup_reason: GroupcallRow['hangup_reason']
  @Json('mediumtext') state: GroupcallRow['state']
  @Time({ nullable: true }) tm_progressing: string | null
  @Time({ nullable: true }) tm_hangup: string | null
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
  call_ids: string[]
}

export const groupcalls: Resource<GroupcallRecord> = {
  type: 'groupcall',
  plural: 'groupcalls',
  about: 'Several calls of which one is wanted: who answers first gets the flow.',
  entity: GroupcallRecord,
  schema: {
    read: Joi.object({
      id: id().required(),
      customer_id: customerId,
      flow_id: id().allow(null).required().description('null: it got a list of actions.'),
      source: address.required(),
      destinations: Joi.array().items(address).required(),
      ring_method: Joi.valid('ring_all', 'linear').required(),
      call_ids: Joi.array().items(id()).required().description('Its calls, from the first.'),
      answer_call_id: id().allow(null).required().description('The one that was answered first.'),
      master_call_id: id().allow(null).required().description('The call that it ends with.'),
      status: Joi.valid('dialing', 'progressing', 'terminating', 'canceling', 'hangup').required(),
      hangup_by: Joi.valid('', 'remote', 'local')
        .required()
        .description('As of the call that was answered, or the last.'),
      hangup_reason: Joi.string().allow('').required().example('normal'),
      tm_progressing: time().allow(null).required().description('When it was answered.'),
      tm_hangup: time().allow(null).required(),
      ...times,
    }),
    create: groupcallOrder,
  },
  begin: async (body, customer_id, site) => (await carryOut(body, customer_id, site, true)).groupcall_id!,
  async complete(rows, manager) {
    const idsOf = await relatedIds(manager, 'calls', 'groupcall_id', rows)
    for (const row of rows) row.call_ids = idsOf(row)
  },
  commands: {
    hangup: {
      method: 'POST',
      summary: 'End its calls',
      async run(row, _body, site) {
        if (row.tm_hangup !== null)
          throw new HashdialError('FAILED_PRECONDITION', 'GROUPCALL_ALREADY_HANGUP', 'the groupcall has ended already')
        carries(site.outgoing).hangup(row)
      },
    },
  },
}
