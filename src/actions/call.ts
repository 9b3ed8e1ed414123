import Joi from 'joi'
import { callee, calleesMax, type Callee, type RingMethod } from '../calls/agents.ts'
import { presentationNumber, source, type Source } from '../calls/party.ts'
import type { CallFacts } from '../calls/call.ts'
import { ActionError, flowId, inWords, type Action, type ActionRun, type StepLike } from './action.ts'
import type { House } from './house.ts'

interface CallOptions {
  /** Whom the other side sees as the caller; without it, who calls here, and by a trunk the number that he had dialled. */
  source?: Source
  destinations: Callee[]
  ring_method?: RingMethod
  /** What the new call gets when it is answered: a flow, or a list of actions. */
  flow_id?: string
  actions?: StepLike[]
  /** It ends when this call does. */
  chained?: boolean
  /** Its flow begins while it rings. */
  early_execution?: boolean
  anonymous?: boolean
}

/** Calls somebody else, and does not wait for it. Of several destinations who answers first gets the flow. */
export const call: Action<CallOptions> = {
  about: 'Calls somebody else, and does not wait for it. Of several destinations the first who answers gets the flow.',
  options: Joi.object<CallOptions>({
    source,
    destinations: Joi.array().items(callee).min(1).max(calleesMax).required(),
    ring_method: Joi.valid('ring_all', 'linear'),
    flow_id: flowId,
    actions: Joi.array().meta({ items: 'action' }),
    chained: Joi.boolean(),
    early_execution: Joi.boolean(),
    anonymous: Joi.boolean(),
  }).xor('flow_id', 'actions'),

  worksWithoutCaller: true,
  instant: true,

  async run(run: ActionRun<CallFacts>, { chained = false, ...options }, { outgoing }: Pick<House, 'outgoing'>) {
    const { call: from, id, stored, variables } = run
    const count = Number(variables[generation] ?? 0) + 1
    if (count > youngest) throw new ActionError(`it was called by ${youngest} calls that called one another`)
    await stored
    const { customer_id } = from.row
    const source = (presentationNumber(from.row, options.destinations) ?? from.row.source) as Source
    const given = { source, ...options, ...(chained && { master_call_id: from.id }) }
    const trail = { ...from.trail, domain: undefined }
    const made = { place: id, node: from.node, trail, variables: { ...own(variables), [generation]: String(count) } }
    await outgoing.originate({ ...given, ...made, customer_id }).catch(inWords)
  },
}

/** How many calls have called one another to make this one: a flow that calls itself must come to an end. */
const generation = 'hashdial.call.generation'
const youngest = 5

/** The variables that the flow has made, which the new one begins with. */
function own(variables: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith('hashdial.')))
}
