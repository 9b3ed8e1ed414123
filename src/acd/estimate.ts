/** What is known of how a queue went lately. */
export interface Pace {
  /** Agents who are on duty: not away and not offline. */
  readonly agents: number
  /** How long one caller keeps an agent, from the first ring to the end of the wrap-up, in milliseconds. */
  readonly serviceMs: number
  /** How many gave up, in each millisecond that one waited. */
  readonly abandonRate: number
}

/**
 * How long who is at this position (1 is next) is expected to wait, in milliseconds; undefined: nobody can tell. It is the
 * exact mean where callers come, are served and give up at random (M/M/n+M: Whitt 2005, "Engineering solution of a basic
 * call-center model"). For a small team the single wait differs from it by a half.
 */
export function estimatedWait(position: number, { agents, serviceMs, abandonRate }: Pace): number | undefined {
  if (agents === 0 || serviceMs <= 0) return undefined
  let sum = 0
  for (let ahead = 0; ahead < position; ahead++) sum += 1 / (agents / serviceMs + ahead * abandonRate)
  return sum
}

export interface Counters {
  readonly total_serviced_count: number
  readonly total_abandoned_count: number
  readonly serviced_in_level_count: number
  readonly abandoned_in_level_count: number
}

/**
 * The part of the callers who were answered in time: of all that were answered, and with those who gave up, of whom who
 * did so in time counts as answered. null: there were none.
 */
export function serviceLevels(counters: Counters): { service_level_1: number | null; service_level_2: number | null } {
  const { total_serviced_count: served, total_abandoned_count: abandoned } = counters
  const { serviced_in_level_count: servedInLevel, abandoned_in_level_count: abandonedInLevel } = counters
  const all = served + abandoned
  return {
    service_level_1: served === 0 ? null : servedInLevel / served,
    service_level_2: all === 0 ? null : (servedInLevel + abandonedInLevel) / all,
  }
}
