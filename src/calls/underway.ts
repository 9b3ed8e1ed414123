import { Budgets } from '../budgets.ts'
import { WebError } from '../web.ts'
import type { CallFacts } from './call.ts'

export interface UnderwayLimits {
  /** Requests that one call may have under way. */
  call: number
  /** The same of one customer, and their bytes. */
  customer: number
  bytes: number
  /** How long one more waits, in milliseconds. */
  patience: number
  /** Actions that one customer may have begun in a second. */
  actions: number
}

/** Who asks. */
type Requester = Pick<CallFacts, 'id'> & { row: { customer_id: string } }

const defaults: UnderwayLimits = { call: 16, customer: 64, bytes: 8_000_000, patience: 3_000, actions: 2_000 }

interface Customer {
  count: number
  bytes: number
  calls: Map<string, number>
  waiting: Set<() => void>
}

/**
 * What the flows of each customer have under way: the requests to servers that have not been answered, and the actions of
 * the last seconds. A server that never answers must not fill the memory, and the flood of one customer leave the calls
 * of others alone.
 */
export class Underway {
  readonly #customers = new Map<string, Customer>()
  readonly #limits: UnderwayLimits
  /** What actions cost: 1 for each, and more where much is stored or read. */
  readonly actions: Budgets

  constructor(limits: Partial<UnderwayLimits> = {}) {
    this.#limits = { ...defaults, ...limits }
    this.actions = new Budgets(this.#limits.actions)
  }

  /** Resolves when one more may begin, to what is to be called when it has ended. Rejects with WebError, or the call's reason. */
  async enter({ call, signal }: { call: Requester; signal: AbortSignal }, bytes: number): Promise<() => void> {
    const { id, row } = call
    const { customer_id } = row
    const late = performance.now() + this.#limits.patience
    for (;;) {
      signal.throwIfAborted()
      const customer = this.#of(customer_id)
      if (this.#hasRoom(customer, id, bytes)) return this.#count(customer_id, customer, id, bytes)
      const left = late - performance.now()
      if (left <= 0) throw new WebError(`${customer.count} requests of yours are under way: their servers are slow`)
      await change(customer, left, signal)
    }
  }

  /** How many there are, for a test that none is forgotten. */
  get size(): number {
    return [...this.#customers.values()].reduce((sum, { count }) => sum + count, 0)
  }

  #of(customerId: string): Customer {
    const known = this.#customers.get(customerId)
    if (known) return known
    const customer = { count: 0, bytes: 0, calls: new Map<string, number>(), waiting: new Set<() => void>() }
    this.#customers.set(customerId, customer)
    return customer
  }

  #hasRoom({ count, bytes, calls }: Customer, callId: string, more: number): boolean {
    const { call, customer, bytes: most } = this.#limits
    if (count === 0) return true
    return count < customer && (calls.get(callId) ?? 0) < call && bytes + more <= most
  }

  #count(customerId: string, customer: Customer, callId: string, bytes: number): () => void {
    const add = (sign: 1 | -1) => {
      customer.count += sign
      customer.bytes += sign * bytes
      const own = (customer.calls.get(callId) ?? 0) + sign
      if (own > 0) customer.calls.set(callId, own)
      else customer.calls.delete(callId)
    }
    add(1)
    let entered = true
    return () => {
      if (!entered) return
      entered = false
      add(-1)
      for (const wake of customer.waiting) wake()
      if (customer.count === 0 && customer.waiting.size === 0) this.#customers.delete(customerId)
    }
  }
}

/** Something has ended, the time is over, or the call does not wait any more. */
async function change({ waiting }: Customer, milliseconds: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const wake = () => {
      waiting.delete(wake)
      clearTimeout(timer)
      signal.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, milliseconds)
    waiting.add(wake)
    signal.addEventListener('abort', wake, { once: true })
  })
}
