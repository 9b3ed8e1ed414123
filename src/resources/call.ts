import Joi from 'joi'
import { Entity, Index } from 'typeorm'
import type { CallRow } from '../calls/call.ts'
import { BelongsTo, Exact, Id, Json, Reference, Text, Time } from '../database/columns.ts'
import { HashdialError } from '../errors.ts'
import { carries } from './carries.ts'
import { callCommands } from './call-commands.ts'
import { customerId, id, time, times } from './fields.ts'
import { address, callOrder, carryOut } from './order.ts'
import { relatedIds } from './related.ts'
import type { Resource } from './resource.ts'

@Entity({ name: 'calls' })
@Index('calls_newest', ['customer_id', 'tm_create', 'id'])
@Index('calls_live', ['node', 'tm_hangup'])
@Index('calls_old', ['tm_hangup'])
@Index('calls_groupcall', ['groupcall_id'])
export class CallRecord implements CallRow {
  @Id() id: string
  @BelongsTo('customers', 'calls_customer') customer_id: string
  @Reference() activeflow_id: string
  @Reference({ nullable: true }) groupcall_id: string | null
  @Reference({ nullable: true }) master_call_id: string | null
  @Exact(64) node: string
  @Exact(64) channel_id: string
  @Text(255) sip_call_id: string
  @Exact(8) direction: CallRow['direction']
  @Json('text') source: CallRow['source']
  @Json('text') destination: CallRow['destination']
  @Exact(16) status: CallRow['status']
  @Exact(8) hangup_by: CallRow['hangup_by']
  @Exact(16) hangup_reason: CallRow['hangup_reason']
  @Time({ nullable: true }) tm_ringing: string | null
  @Time({ nullable: true }) tm_progressing: string | null
  @Time({ nullable: true }) tm_hangup: string | null
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
  recording_ids: string[]
}

export const calls: Resource<CallRecord> = {
  type: 'call',
  plural: 'calls',
  about: 'What a caller and a resource have to do with each other, from the first ring to the end.',
  entity: CallRecord,
  schema: {
    read: Joi.object({
      id: id().required(),
      customer_id: customerId,
      activeflow_id: id().required().description('The activeflow that ran for it.'),
      groupcall_id: id().allow(null).required().description('The groupcall that it is one of.'),
      master_call_id: id().allow(null).required().description('The call that it ends with.'),
      recording_ids: Joi.array().items(id()).required(),
      sip_call_id: Joi.string().allow('').required().description("The caller's SIP Call-ID, to find it in a trace."),
      direction: Joi.valid('incoming', 'outgoing').required(),
      source: address.required(),
      destination: address.required(),
      status: Joi.valid('dialing', 'ringing', 'progressing', 'terminating', 'canceling', 'hangup').required(),
      hangup_by: Joi.valid('', 'remote', 'local').required().description('Who ended it first; "" while it lasts.'),
      hangup_reason: Joi.string()
        .allow('')
        .required()
        .description('Why it ended; "" while it lasts.')
        .example('normal'),
      tm_ringing: time().allow(null).required(),
      tm_progressing: time().allow(null).required().description('When it was answered.'),
      tm_hangup: time().allow(null).required(),
      ...times,
    }),
    // With several destinations it answers the first of the calls, which names their groupcall.
    create: callOrder,
  },
  begin: async (body, customer_id, site) => (await carryOut(body, customer_id, site)).call_id,
  async complete(rows, manager) {
    const idsOf = await relatedIds(manager, 'recordings', 'reference_id', rows)
    for (const row of rows) row.recording_ids = idsOf(row)
  },
  commands: {
    ...callCommands,
    hangup: {
      method: 'POST',
      summary: 'End the call',
      async run(row, _body, site) {
        if (row.tm_hangup !== null)
          throw new HashdialError('FAILED_PRECONDITION', 'CALL_ALREADY_HANGUP', 'the call has ended already')
        await carries(site.calls).hangup(row.id, row.node)
      },
    },
  },
}
