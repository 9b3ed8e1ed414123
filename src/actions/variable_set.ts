import Joi from 'joi'
import { ActionError, type Action } from './action.ts'
import { setVariable } from './variables.ts'

interface VariableSetOptions {
  key: string
  value?: string
}

/** Sets a variable: `${key}` in a later action's options. */
export const variable_set: Action<VariableSetOptions> = {
  about: 'Sets a variable for the actions that follow.',
  options: Joi.object({
    key: Joi.string()
      .max(255)
      .required()
      .custom((value: string, helpers) => (isName(value) ? value : helpers.error('name.braces')))
      .messages({ 'name.braces': '{{#label}} must not have braces: they end a name' }),
    value: Joi.string().allow('').max(32_768),
  }),

  sideEffectFree: true,

  async run({ variables }, { key, value = '' }) {
    setVariable(variables, key, value)
    if (variables[key] !== value)
      throw new ActionError('the variables are full: this one has lost its end, or all of it')
  },
}

/** What has a variable in it is looked at when it is filled in. */
function isName(text: string): boolean {
  return text.includes('${') || !/[{}]/.test(text)
}
