import Joi from 'joi'
import type { OriginateRequest } from '../outbound/request.ts'
import { callee, calleesMax, type Callee } from '../calls/agents.ts'
import { source } from '../calls/party.ts'
import { HashdialError } from '../errors.ts'
import { id } from './fields.ts'
import { actionList, checkedActions } from './flow.ts'
import type { Body, Site } from './resource.ts'

/** An address as a call shows it. */
export const address = Joi.object({
  type: Joi.string().allow('').required().example('extension'),
  target: Joi.string().allow('').required().description("A resource's id, or a SIP address."),
  target_name: Joi.string().allow('').required(),
})

const ringMethod = Joi.valid('ring_all', 'linear').description(
  'All at once, or one after another. Without it all at once, or as an agent has it that is the only destination.',
)

/** What an order to call somebody says, beside whom. */
const order = {
  source: source.description('Whom the other side sees as the caller.'),
  ring_method: ringMethod,
  flow_id: id().description('What the call gets when it is answered.'),
  actions: actionList.description('The same as a list of its own.'),
  anonymous: Joi.boolean().description('The other side does not see who calls.'),
  variables: Joi.object()
    .pattern(Joi.string().max(255), Joi.string().allow('').max(4_096))
    .max(50)
    .description('What the flow begins with, beside what it knows of its call.'),
  early_execution: Joi.boolean().description('The flow begins while it rings.'),
}

const parties = Joi.array().items(callee).min(1).max(calleesMax).description('Who answers first gets the flow.')

export const callOrder = Joi.object({ destination: callee, destinations: parties, ...order })
  .xor('destination', 'destinations')
  .xor('flow_id', 'actions')

export const groupcallOrder = Joi.object({ destinations: parties.required(), ...order }).xor('flow_id', 'actions')

/** Carries out the order that somebody gave. Rejects with a HashdialError. */
export async function carryOut(body: Body, customer_id: string, site: Site, group?: true) {
  if (!site.outgoing) throw new HashdialError('UNAVAILABLE', 'CALLS_UNAVAILABLE', 'this process makes no calls')
  const {
    destination,
    destinations = [destination],
    actions,
    ...rest
  } = body as Partial<OriginateRequest> & { destination: Callee }
  const where = { customer_id, manager: site.database.manager, baseDomain: site.baseDomain }
  const list = actions && (await checkedActions(actions, where))
  return site.outgoing.originate({ ...rest, customer_id, destinations, actions: list, ...(group && { group }) })
}
