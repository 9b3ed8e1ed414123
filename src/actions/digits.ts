import type { ActionRun } from './action.ts'
import { setVariable } from './variables.ts'

/** What the caller has pressed, for the actions and conditions of a flow. */
export const digitsVariable = 'hashdial.call.digits'

/** Puts what was pressed since `since` into the variables: a prompt that a key has ended loses no key. */
export function keepDigits(run: ActionRun, since: number): void {
  const { call, variables } = run
  const digits = call.dtmf.take(since)
  if (digits === '') return
  setVariable(variables, digitsVariable, (variables[digitsVariable] ?? '') + digits)
  run.digitsAhead += digits
}

/** Takes the digits that were pressed ahead out of the variables again; none when a branch has used them meanwhile. */
export function takeAhead(run: ActionRun): string {
  const { variables, digitsAhead: ahead } = run
  const { [digitsVariable]: digits = '' } = variables
  run.digitsAhead = ''
  if (!digits.endsWith(ahead)) return ''
  if (ahead !== '') setVariable(variables, digitsVariable, digits.slice(0, -ahead.length))
  return ahead
}
