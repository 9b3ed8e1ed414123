import Joi from 'joi'
import { actionId, type Action } from './action.ts'
import { conditions, holds, type Condition } from './compare.ts'

interface VariableOptions {
  condition: Condition
  /** The name of the variable. */
  variable: string
  /** What is compared: its text, the number that it is, or how long it is. */
  value_type?: 'string' | 'number' | 'length'
  value_string?: string
  value_number?: number
  value_length?: number
  false_target_id: string
}

const needed = (type: string, schema: Joi.Schema): Joi.Schema =>
  Joi.when('value_type', { is: type, then: schema.required(), otherwise: schema })

/** Goes on with the next action when the variable is as said, else with `false_target_id`. What is no number is not as said. */
export const condition_variable: Action<VariableOptions> = {
  about: 'Goes on with the next action when the variable is as said, else with `false_target_id`.',
  options: Joi.object({
    condition: Joi.valid(...conditions).required(),
    variable: Joi.string().max(255).required(),
    value_type: Joi.valid('string', 'number', 'length'),
    value_string: Joi.string().allow('').max(32_768),
    value_number: needed('number', Joi.number()),
    value_length: needed('length', Joi.number().integer().min(0)),
    false_target_id: actionId.required(),
  }),

  sideEffectFree: true,

  ways: ({ false_target_id }) => [undefined, { goto: false_target_id }],

  async run({ variables }, options) {
    const { variable, false_target_id } = options
    const value = Object.hasOwn(variables, variable) ? variables[variable]! : ''
    return holds(options.condition, order(value, options)) ? undefined : { goto: false_target_id }
  },
}

/** NaN for what cannot be compared: no condition but `!=` holds for it. */
function order(value: string, options: VariableOptions): number {
  const { value_type = 'string', value_string = '', value_number = 0, value_length = 0 } = options
  if (value_type === 'length') return [...value].length - value_length
  if (value_type === 'number') return (value.trim() === '' ? NaN : Number(value)) - value_number
  return value === value_string ? 0 : value < value_string ? -1 : 1
}
