import type { RoutingMethod, Skill, SkillStep } from './row.ts'

/** A caller who waits, as far as it decides who gets them. Times are milliseconds on one clock. */
export interface Waiting {
  readonly id: string
  readonly entered: number
  readonly skills: readonly Skill[]
  /** Until when each agent who has not taken them is left alone with them. */
  readonly notBefore: ReadonlyMap<string, number>
}

/** An agent who has nothing to do. */
export interface FreeAgent {
  readonly id: string
  readonly idleSince: number
  readonly serviced: number
  readonly levels: ReadonlyMap<string, number>
}

export interface Rules {
  readonly method: RoutingMethod
  readonly skills: readonly Skill[]
  readonly steps: readonly SkillStep[]
  /** Of whom a caller was offered to last (round_robin). */
  readonly lastAgent: string | null
  readonly random: () => number
}

export interface Match {
  readonly caller: Waiting
  /** Several ring at once. */
  readonly agents: readonly FreeAgent[]
}

/**
 * Who is to be offered to whom: `callers` in the order of their rank, `agents` in that of the queue. A caller is passed
 * over only where nobody who is free may take them.
 */
export function match(
  callers: readonly Waiting[],
  agents: readonly FreeAgent[],
  rules: Rules,
  now: number,
): Match | undefined {
  for (const caller of callers) {
    const eligible = agents.filter((agent) => isEligible(agent, caller, rules, now))
    if (eligible.length > 0) return { caller, agents: choose(eligible, agents, rules) }
  }
  return undefined
}

/** Agents may take a caller when they have every tag that is required, each at its level, or at what has become enough. */
function isEligible({ id, levels }: FreeAgent, caller: Waiting, { skills, steps }: Rules, now: number): boolean {
  if ((caller.notBefore.get(id) ?? -Infinity) > now) return false
  const reached = steps.filter(({ after }) => now - caller.entered >= after)
  const less = Math.max(0, ...reached.map(({ levels_less }) => levels_less))
  return [...skills, ...caller.skills].every(({ tag_id, level }) => {
    const has = levels.get(tag_id)
    return has !== undefined && has >= level - less
  })
}

function choose(eligible: readonly FreeAgent[], all: readonly FreeAgent[], rules: Rules): readonly FreeAgent[] {
  const first = eligible[0]!
  switch (rules.method) {
    case 'ring_all':
      return eligible
    case 'linear':
      return [first]
    case 'random':
      return [eligible[Math.floor(rules.random() * eligible.length)]!]
    case 'round_robin': {
      const last = all.findIndex(({ id }) => id === rules.lastAgent)
      return [eligible.find((agent) => all.indexOf(agent) > last) ?? first]
    }
    case 'least_calls':
      return [least(eligible, (one, other) => one.serviced - other.serviced || one.idleSince - other.idleSince)]
    case 'longest_idle':
      return [least(eligible, (one, other) => one.idleSince - other.idleSince)]
  }
}

function least<T>(list: readonly T[], compare: (one: T, other: T) => number): T {
  return list.reduce((best, each) => (compare(each, best) < 0 ? each : best))
}
