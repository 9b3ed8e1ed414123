import Joi from 'joi'
import { Entity, Index } from 'typeorm'
import { checkActions } from '../actions/check.ts'
import type { StepLike } from '../actions/action.ts'
import type { Step } from '../actions/index.ts'
import { parseSipAddress, wrongAddress } from '../calls/sip-address.ts'
import type { EntityManager } from '../database.ts'
import { BelongsTo, Id, Json, RefersTo, Text, Time } from '../database/columns.ts'
import { DirectHash } from '../directs/direct.ts'
import { HashdialError } from '../errors.ts'
import { common, detail, direct, id, name, times } from './fields.ts'
import { referenceProblems, referencesIn, type Reference } from './references.ts'
import type { DialableResource } from './resource.ts'

@Entity({ name: 'flows' })
@Index('flows_newest', ['customer_id', 'tm_create', 'id'])
export class Flow {
  @Id() id: string
  @BelongsTo('customers', 'flows_customer') customer_id: string
  @Text(255) name: string
  @Text(1024) detail: string
  @Json('mediumtext') actions: StepLike[]
  @RefersTo('flows', 'flows_on_complete') on_complete_flow_id: string | null
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
  @DirectHash('flow') direct_hash: string
}

// Checked by checkActions, which knows each action's options; what a list is made of, OpenAPI says by itself.
export const actionList = Joi.array()
  .items(Joi.any())
  .max(1_000)
  .meta({ items: 'action' })
  .description('What is done one after another.')
  .example([{ type: 'answer' }, { type: 'sleep', option: { duration: 1_000 } }, { type: 'hangup' }])

const onComplete = id().allow(null).description('The flow that runs when this one has ended, its call too.')

export const flows: DialableResource<Flow> = {
  type: 'flow',
  plural: 'flows',
  about: 'A list of actions. Anyone who calls its direct address gets it.',
  entity: Flow,
  deletable: true,
  direct: 'on create',
  schema: {
    read: Joi.object({
      ...common,
      actions: actionList.required(),
      on_complete_flow_id: onComplete.required(),
      ...direct,
      ...times,
    }),
    create: Joi.object({
      name: name.default(''),
      detail: detail.default(''),
      actions: actionList.required(),
      on_complete_flow_id: onComplete.default(null),
    }),
    update: Joi.object({ name, detail, actions: actionList, on_complete_flow_id: onComplete }),
  },
  steps: ({ actions }) => actions as Step[],
  async prepare(body, { customer_id, manager, site }) {
    const named = referencesIn(body, 'flow', 'on_complete_flow_id')
    const where = { customer_id, manager, baseDomain: site.baseDomain }
    const actions = await checkedActions(body.actions ?? [], where, named)
    return body.actions === undefined ? body : { ...body, actions }
  },
}

/** A list of actions as it is to be stored. Rejects with all that is wrong with it, and what it names that is missing. */
export async function checkedActions(
  list: unknown,
  { customer_id, manager, baseDomain }: { customer_id: string; manager: EntityManager; baseDomain: string },
  named: readonly Reference[] = [],
): Promise<StepLike[]> {
  const { actions, problems, references, addresses } = await checkActions(list, customer_id)
  const details = [
    ...problems,
    ...(await referenceProblems(manager, customer_id, [...references, ...named])),
    ...addresses.flatMap(({ field, target }) => {
      // What is no address at all the option's schema has told already.
      const problem = parseSipAddress(target) && wrongAddress(target, customer_id, baseDomain)
      return problem ? [{ field, problem }] : []
    }),
  ]
  if (details.length === 0) return actions
  const told = details.slice(0, 10).map(({ field, problem }) => `${field}: ${problem}`)
  const more = details.length > told.length ? `; and ${details.length - told.length} more` : ''
  throw new HashdialError(
    'INVALID_ARGUMENT',
    'INVALID_ACTIONS',
    `the flow is wrong: ${told.join('; ')}${more}`,
    details,
  )
}
