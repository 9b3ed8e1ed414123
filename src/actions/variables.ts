import type { Call } from '../calls/call.ts'

/** The longest value, and all of them together, in characters. */
const longest = 32_768
const most = 262_144

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

/** `value` with each `${name}` in its strings replaced by the variable; one that is not set is empty. */
export function substitute<T>(value: T, variables: Readonly<Record<string, string>>): T {
  if (typeof value === 'string') return fill(value, variables) as T
  if (Array.isArray(value)) return value.map((item: unknown) => substitute(item, variables)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, substitute<unknown>(item, variables)]),
  ) as T
}

function fill(text: string, variables: Readonly<Record<string, string>>): string {
  if (!text.includes('${')) return text
  const filled = text.replaceAll(/\$\{([^}]*)\}/g, (_, name: string) =>
    Object.hasOwn(variables, name) ? variables[name]! : '',
  )
  return filled.slice(0, longest)
}

/** Sets a variable, within the limits of an activeflow: a flow that loops must not fill the database. */
export function setVariable(variables: Record<string, string>, name: string, value: string): void {
  const others = Object.entries(variables).reduce(
    (sum, [key, text]) => sum + (key === name ? 0 : key.length + text.length),
    0,
  )
  const room = most - others - name.length
  // Not even for its name, which is what a loop that makes up names would need.
  if (room < 0 && !Object.hasOwn(variables, name)) return
  variables[name] = value.slice(0, Math.max(0, Math.min(longest, room)))
}
