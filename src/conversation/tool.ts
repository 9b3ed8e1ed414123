import type { AiRow, TeamMember } from './row.ts'

/** What a model may call, as it is told of it. */
export interface Tool {
  readonly name: string
  readonly description: string
  /** JSON Schema of an object. */
  readonly parameters: object
}

/** What an AI may do beside talking; it has those that `tool_names` names. */
export const toolNames = [
  ...['connect_call', 'queue_join', 'send_digits', 'get_variables', 'set_variables'],
  ...['stop_service', 'stop_flow', 'stop_media'],
] as const

const object = (properties: Record<string, object>, required = Object.keys(properties)) => ({
  ...{ type: 'object', properties, required, additionalProperties: false },
})

/** The tools of an AI, and the transitions of a member of a team. What leads nowhere is not there. */
export function toolsOf(ai: AiRow, transitions: TeamMember['transitions'] = []): Tool[] {
  const own = [...whomToCall(ai), ...whatIsKnown(ai), ...always].filter(({ name }) => ai.tool_names.includes(name))
  const hops = transitions.map(({ function_name, description }) => handOver(function_name, description))
  const isHop = ({ name }: { name: string }) => hops.some((hop) => hop.name === name)
  return [...own, ...ai.stored_tools.filter((one) => !isHop(one)), ...hops]
}

function whomToCall({ destinations }: AiRow): Tool[] {
  const named = (name: (typeof toolNames)[number], about: string, all: AiRow['destinations']): Tool[] => {
    if (all.length === 0) return []
    const told = all.map((one) => `${one.name}${one.description ? `: ${one.description}` : ''}`).join('; ')
    const names = { type: 'string', enum: all.map((one) => one.name) }
    return [tool(name, `${about} (${told}).`, { name: names })]
  }
  const queues = destinations.filter(({ type }) => type === 'queue')
  const people = destinations.filter(({ type }) => type !== 'queue')
  return [
    ...named('connect_call', 'Connect the caller with somebody', people),
    ...named('queue_join', 'Put the caller into a queue', queues),
  ]
}

function whatIsKnown({ variable_names: names }: AiRow): Tool[] {
  if (names.length === 0) return []
  const properties = Object.fromEntries(names.map((name) => [name, { type: 'string' }]))
  return [
    tool('get_variables', 'Read what is known of the caller.', {}),
    { ...tool('set_variables', 'Note what the caller has said.', {}), parameters: object(properties, []) },
  ]
}

const always: readonly Tool[] = [
  tool('send_digits', 'Press keys (DTMF) for the caller.', {
    digits: { type: 'string', pattern: '^[0-9A-D*#]{1,32}$' },
  }),
  tool('stop_service', 'End the conversation, when the caller has all that they want. Say goodbye before.', {}),
  tool('stop_flow', 'End the call. Say goodbye before.', {}),
  tool('stop_media', 'Be silent at once, when the caller wants that.', {}),
]

function tool(name: (typeof toolNames)[number], description: string, properties: Record<string, object>): Tool {
  return { name, description, parameters: object(properties) }
}

function handOver(name: string, description: string): Tool {
  const reason = { type: 'string', description: 'Why, in a few words' }
  return {
    name,
    description: description || 'Hand the caller over to a colleague.',
    parameters: object({ reason }, []),
  }
}

/** What a model gave as arguments; undefined: it is no JSON object. */
export function argumentsOf({ arguments: given }: { arguments: string }): Record<string, unknown> | undefined {
  if (given.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(given)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
