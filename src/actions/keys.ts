import type { Call } from '../calls/call.ts'
import type { Place } from './action.ts'
import { setVariable } from './variables.ts'

/** What the caller has pressed, for the actions and conditions of a flow. */
export const digitsVariable = 'hashdial.call.digits'

/** Those of them that no digits_receive has counted yet, because they were pressed while something was played. */
export const aheadVariable = 'hashdial.call.digits_ahead'

/** Puts what was pressed since `since` into the variables: a prompt that a key has ended loses no key. */
export function keepKeys({ keypad }: Call, { variables }: Place, since: number): void {
  const keys = keypad.take(since)
  if (keys === '') return
  setVariable(variables, digitsVariable, (variables[digitsVariable] ?? '') + keys)
  setVariable(variables, aheadVariable, (variables[aheadVariable] ?? '') + keys)
}

/** Takes the keys that were pressed ahead out of the variables again; none when a branch has used them meanwhile. */
export function takeAhead({ variables }: Place): string {
  const { [aheadVariable]: ahead = '', [digitsVariable]: digits = '' } = variables
  delete variables[aheadVariable]
  if (!digits.endsWith(ahead)) return ''
  if (ahead !== '') setVariable(variables, digitsVariable, digits.slice(0, -ahead.length))
  return ahead
}
