import Joi from 'joi'
import { Entity, Index } from 'typeorm'
import type { ActiveflowRow } from '../activeflows/activeflow.ts'
import { BelongsTo, Exact, Id, Json, Reference, Time } from '../database/columns.ts'
import { carries } from './carries.ts'
import { customerId, id, time, times } from './fields.ts'
import type { Resource } from './resource.ts'

@Entity({ name: 'activeflows' })
@Index('activeflows_newest', ['customer_id', 'tm_create', 'id'])
@Index('activeflows_reference', ['reference_id'])
@Index('activeflows_old', ['tm_end'])
export class ActiveflowRecord implements ActiveflowRow {
  @Id() id: string
  @BelongsTo('customers', 'activeflows_customer') customer_id: string
  @Reference({ nullable: true }) flow_id: string | null
  @Exact(16) reference_type: ActiveflowRow['reference_type']
  @Reference() reference_id: string
  @Exact(8) status: ActiveflowRow['status']
  @Json('mediumtext') state: ActiveflowRow['state']
  @Json('mediumtext') executed_actions: ActiveflowRow['executed_actions']
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
  @Time({ nullable: true }) tm_end: string | null

  /** The action at the cursor of the innermost list. */
  get current_action(): object | null {
    const frame = this.status === 'running' ? this.state.stack.at(-1) : undefined
    return frame?.actions[frame.cursor] ?? null
  }

  get on_complete_flow_id(): string | null {
    return this.state.on_complete_flow_id ?? null
  }

  get reference_activeflow_id(): string | null {
    return this.state.reference_activeflow_id ?? null
  }

  get variables(): Record<string, string> {
    return this.state.variables
  }
}

const executed = Joi.object({
  id: Joi.string().allow('').required(),
  type: Joi.string().required().example('connect'),
  tm_start: time().required(),
  tm_end: time().allow(null).required().description('null while it runs.'),
  result: Joi.string().allow('').required(),
})

export const activeflows: Resource<ActiveflowRecord> = {
  type: 'activeflow',
  plural: 'activeflows',
  about: 'One run of a list of actions, for one call.',
  entity: ActiveflowRecord,
  schema: {
    read: Joi.object({
      id: id().required(),
      customer_id: customerId,
      flow_id: id()
        .allow(null)
        .required()
        .description('The flow whose actions these are; null: the resource made them.'),
      reference_type: Joi.valid('call', 'api').required(),
      reference_id: id().required().description('The call that it runs for.'),
      reference_activeflow_id: id()
        .allow(null)
        .required()
        .description('The activeflow that this one follows; null: it is the first of its call.'),
      on_complete_flow_id: id().allow(null).required().description('The flow that runs when it has ended.'),
      status: Joi.valid('running', 'ended').required(),
      current_action: Joi.object().unknown().allow(null).required(),
      executed_actions: Joi.array().items(executed).required(),
      variables: Joi.object().unknown().required(),
      tm_end: time().allow(null).required(),
      ...times,
    }),
  },
  commands: {
    stop: {
      method: 'POST',
      summary: 'End it, and its call; what has ended already stays as it is',
      async run(row, _body, site) {
        if (row.status === 'ended') return
        const activeflows = carries(site.activeflows)
        const calls: { node: string }[] = await site.database.query('SELECT node FROM calls WHERE id = ?', [
          row.reference_id,
        ])
        await activeflows.stop(row, calls[0]?.node)
      },
    },
  },
}
