import { HashdialError } from '../errors.ts'
import type { Logger } from '../log.ts'

/** How much a customer may do: columns of `customers`. */
export interface CustomerLimits {
  /** Calls at once, in and out. */
  max_calls: number
  /** Calls that it begins itself in a second. */
  calls_per_second: number
}

export const limitColumns = ['max_calls', 'calls_per_second'] as const

/** Legs of a customer that may be under way at once, for each call that it may have; one `connect` has at most 20. */
const legsPerCall = 2
const legsOfOneConnect = 20

/** How often the log says that a customer is at its limit, in milliseconds. */
const toldEvery = 10_000

interface CountedCall {
  readonly id: string
  readonly row: { customer_id: string }
  readonly ended: Promise<void>
}

/** What a customer has under way here. */
interface Use {
  readonly calls: Set<string>
  legs: number
  /** When it began its latest calls, on the clock of performance.now(). */
  begun: number[]
  limits: CustomerLimits | undefined
  refused: number
  told: number
}

/**
 * Keeps each customer within its limits. What it has under way is counted in memory, so a look costs no statement; the
 * limits come with what is read for a call anyway.
 */
export class Limits {
  readonly #uses = new Map<string, Use>()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  /** Counts a call until it is over. */
  count(call: CountedCall): void {
    const customerId = call.row.customer_id
    const use = this.#use(customerId)
    use.calls.add(call.id)
    void call.ended.then(() => {
      use.calls.delete(call.id)
      this.#forget(customerId, use)
    })
  }

  /** A call that comes in: counted, or refused (false), since there are as many as there may be. */
  admit(call: CountedCall, limits: CustomerLimits): boolean {
    const { calls } = this.#use(call.row.customer_id, limits)
    if (calls.size >= limits.max_calls) return this.#refuse(call.row.customer_id, 'max_calls', calls.size)
    this.count(call)
    return true
  }

  /** May the customer begin `count` calls now? Throws RESOURCE_EXHAUSTED when that would be too many at once. */
  check(customerId: string, count: number, given?: CustomerLimits): void {
    const { calls, limits } = this.#use(customerId, given)
    if (!limits || calls.size + count <= limits.max_calls) return
    this.#refuse(customerId, 'max_calls', calls.size)
    throw exhausted('TOO_MANY_CALLS', `there are ${calls.size} calls at once, of ${limits.max_calls} that may be`)
  }

  /**
   * The customer begins `count` calls. Throws RESOURCE_EXHAUSTED when they are too many for this second; as many
   * as one order may have are let in when there were none before.
   */
  takeRate(customerId: string, count: number): void {
    const use = this.#use(customerId)
    const rate = use.limits?.calls_per_second
    const time = performance.now()
    use.begun = use.begun.filter((begun) => time - begun < 1_000)
    if (rate !== undefined && use.begun.length + count > rate && (use.begun.length > 0 || rate === 0)) {
      this.#refuse(customerId, 'calls_per_second', use.begun.length)
      throw exhausted('TOO_MANY_CALLS_PER_SECOND', `${rate} calls may be begun in a second: try again in a moment`)
    }
    for (let index = 0; index < count; index++) use.begun.push(time)
  }

  /** `count` legs more, until what it answers is called. Throws RESOURCE_EXHAUSTED, unless they ring already. */
  takeLegs(customerId: string, count: number, ring = false): () => void {
    const use = this.#use(customerId)
    const most = use.limits && Math.max(legsOfOneConnect, legsPerCall * use.limits.max_calls)
    if (!ring && most !== undefined && use.legs + count > most) {
      this.#refuse(customerId, 'max_calls', use.calls.size)
      throw exhausted('TOO_MANY_LEGS', `${use.legs} destinations are being called at once, of ${most} that may be`)
    }
    use.legs += count
    return () => {
      use.legs -= count
      this.#forget(customerId, use)
    }
  }

  #use(customerId: string, limits?: CustomerLimits): Use {
    let use = this.#uses.get(customerId)
    if (!use)
      this.#uses.set(
        customerId,
        (use = { calls: new Set(), legs: 0, begun: [], limits: undefined, refused: 0, told: -Infinity }),
      )
    if (limits) use.limits = limits
    return use
  }

  /** What is remembered of a customer goes with the last of its calls. */
  #forget(customerId: string, use: Use): void {
    const busy = use.calls.size > 0 || use.legs > 0 || performance.now() - (use.begun.at(-1) ?? -Infinity) < 1_000
    if (!busy && this.#uses.get(customerId) === use) this.#uses.delete(customerId)
  }

  #refuse(customer: string, limit: keyof CustomerLimits, count: number): false {
    const use = this.#use(customer)
    use.refused++
    const time = performance.now()
    if (time - use.told < toldEvery) return false
    this.#log.warn(
      { customer, limit, count, refused: use.refused },
      'a customer is at its limit; its calls are refused',
    )
    Object.assign(use, { refused: 0, told: time })
    return false
  }
}

function exhausted(reason: string, message: string): HashdialError {
  return new HashdialError('RESOURCE_EXHAUSTED', reason, message)
}
