/** How many owners are remembered; who has more makes those who used theirs longest ago be forgotten. */
const remembered = 10_000

/**
 * What each owner may use in a second; what he does not use is kept for some seconds. A cost that is known only
 * afterwards may be more than there is: the owner waits the longer for the next.
 */
export class Budgets {
  readonly #owners = new Map<string, { left: number; at: number }>()

  constructor(
    readonly perSecond: number,
    readonly seconds = 2,
  ) {}

  /** Takes what something costs. Answers how long the owner has to wait for it, in milliseconds; 0: it is there. */
  take(owner: string, cost: number, now = performance.now()): number {
    const known = this.#owners.get(owner)
    const most = this.perSecond * this.seconds
    const had = known ? Math.min(most, known.left + ((now - known.at) / 1_000) * this.perSecond) : most
    this.#owners.delete(owner)
    this.#owners.set(owner, { left: had - cost, at: now })
    if (this.#owners.size > remembered) this.#owners.delete(this.#owners.keys().next().value!)
    return had >= cost ? 0 : ((cost - had) / this.perSecond) * 1_000
  }
}
