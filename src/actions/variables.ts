import type { Call } from '../calls/call.ts'
import { fill, filledMost } from '../calls/fill.ts'
import { ActionError } from './action.ts'

/** The longest value, and all of them together with their names, in characters; and how many there may be. */
const longest = filledMost
const most = 262_144
const mostNames = 1_000

/** The variables that a call begins with. */
export function callVariables(call: Call): Record<string, string> {
  const { source, destination, direction, activeflow_id } = call.row
  return {
    'hashdial.activeflow.id': activeflow_id,
    'hashdial.call.id': call.id,
    'hashdial.call.direction': direction,
    'hashdial.call.source.type': source.type,
    'hashdial.call.source.target': source.target,
    'hashdial.call.source.target_name': source.target_name,
    'hashdial.call.destination.type': destination.type,
    'hashdial.call.destination.target': destination.target,
    'hashdial.call.destination.target_name': destination.target_name,
    'hashdial.call.digits': '',
  }
}

/**
 * `value` with each `${name}` in its strings replaced by the variable; one that is not set is empty. A string ends where
 * the longest value does. Throws ActionError when all of it together would be longer than all variables may be.
 */
export function substitute<T>(
  value: T,
  variables: Readonly<Record<string, string>>,
): { filled: T; characters: number } {
  let characters = 0
  const fillAll = (inner: unknown): unknown => {
    if (typeof inner === 'string') {
      const filled = fill(inner, variables)
      characters += filled.length
      if (characters > most)
        throw new ActionError(`its options, with the variables in them, have over ${most} characters`)
      return filled
    }
    if (Array.isArray(inner)) return inner.map(fillAll)
    if (typeof inner !== 'object' || inner === null) return inner
    return Object.fromEntries(Object.entries(inner).map(([key, item]) => [key, fillAll(item)]))
  }
  return { filled: fillAll(value) as T, characters }
}

/** Whether `substitute` would change anything. */
export function hasVariables(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('${')
  return typeof value === 'object' && value !== null && Object.values(value).some(hasVariables)
}

/** Sets a variable, within the limits of an activeflow: a flow that loops must not fill the database. */
export function setVariable(variables: Record<string, string>, name: string, value: string): void {
  if (!Object.hasOwn(variables, name) && Object.keys(variables).length >= mostNames) return
  const others = Object.entries(variables).reduce(
    (sum, [key, text]) => sum + (key === name ? 0 : key.length + text.length),
    0,
  )
  const room = most - others - name.length
  // Not even for its name, which is what a loop that makes up names would need.
  if (room < 0 && !Object.hasOwn(variables, name)) return
  variables[name] = value.slice(0, Math.max(0, Math.min(longest, room)))
}
