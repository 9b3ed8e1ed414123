import Joi from 'joi'
import { actionId, type Action } from './action.ts'
import { setVariable } from './variables.ts'

interface BranchOptions {
  /** The name of a variable; without it, the digits. */
  variable?: string
  /** The id of an action for each value. */
  target_ids: Record<string, string>
  /** For any other value; without it, the next action follows. */
  default_target_id?: string
}

/** Goes on as a variable says, and empties it: a menu that is played again waits for other digits. */
export const branch: Action<BranchOptions> = {
  about: 'Goes on with the action that `target_ids` has for the value of a variable, and empties the variable.',
  options: Joi.object({
    variable: Joi.string().allow('').max(255),
    target_ids: Joi.object().pattern(Joi.string().max(255), actionId).max(100).required(),
    default_target_id: actionId,
  }),

  sideEffectFree: true,

  ways({ target_ids, default_target_id }) {
    const targets = Object.values(target_ids).map((id) => ({ goto: id }))
    return [...targets, default_target_id ? { goto: default_target_id } : undefined]
  },

  async run({ variables }, { variable, target_ids, default_target_id }) {
    const name = variable || 'hashdial.call.digits'
    const value = Object.hasOwn(variables, name) ? variables[name]! : ''
    if (value !== '') setVariable(variables, name, '')
    const target = Object.hasOwn(target_ids, value) ? target_ids[value] : default_target_id
    return target ? { goto: target } : undefined
  },
}
