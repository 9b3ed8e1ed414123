/** How many deliveries may be under way at once: of one webhook, of one customer, of all. */
const perWebhook = 10
const perCustomer = 20
const inAll = 500

interface Webhook {
  id: string
  customer_id: string
}

/** Keeps a receiver that hangs from taking the places of others. */
export class Places {
  readonly #taken = new Map<string, number>()
  readonly #pauses = new Map<string, number>()

  /** How many deliveries may begin now. */
  free({ id, customer_id }: Webhook): number {
    const until = this.#pauses.get(id) ?? 0
    if (until > performance.now()) return 0
    this.#pauses.delete(id)
    return Math.min(
      perWebhook - this.#count(id),
      perCustomer - this.#count(customer_id),
      inAll - this.#count(everybody),
    )
  }

  /** Answers what gives the place back. */
  take({ id, customer_id }: Webhook): () => void {
    const keys = [id, customer_id, everybody]
    for (const key of keys) this.#taken.set(key, this.#count(key) + 1)
    return () => {
      for (const key of keys) {
        const left = this.#count(key) - 1
        if (left > 0) this.#taken.set(key, left)
        else this.#taken.delete(key)
      }
    }
  }

  /** The receiver has said that it is overloaded. */
  pause(id: string, ms: number): void {
    this.#pauses.set(id, performance.now() + ms)
  }

  #count(key: string): number {
    return this.#taken.get(key) ?? 0
  }
}

const everybody = 'all'
