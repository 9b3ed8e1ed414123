import { isIPv6 } from 'node:net'

/**
 * Counts what each source address did wrong within the last minute. Its memory is bounded: whoever has more addresses
 * than fit makes the oldest be forgotten.
 */
export class FailureLimit {
  readonly #sources = new Map<string, { count: number; until: number }>()

  constructor(
    readonly most: number,
    readonly seconds = 60,
    readonly size = 10_000,
  ) {}

  /** It was no failure after all. */
  forgive(address: string): void {
    const entry = this.#sources.get(network(address))
    if (entry && entry.count > 0) entry.count--
  }

  /** Notes a failure. Answers how many seconds the source is to wait: 0 while it is below the limit. */
  fail(address: string, now = Date.now()): number {
    const key = network(address)
    const known = this.#sources.get(key)
    const entry = known && known.until > now ? known : { count: 0, until: now + this.seconds * 1000 }
    entry.count++
    this.#sources.delete(key)
    this.#sources.set(key, entry)
    if (this.#sources.size > this.size) this.#sources.delete(this.#sources.keys().next().value!)
    return entry.count > this.most ? Math.ceil((entry.until - now) / 1000) : 0
  }

  get remembered(): number {
    return this.#sources.size
  }
}

/** One customer of a provider has a whole /64 of IPv6. */
function network(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '')
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('::')
  const left = head.split(':').filter(Boolean)
  const right = (tail ?? '').split(':').filter(Boolean)
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array<string>(Math.max(zeros, 0)).fill('0'), ...right].slice(0, 4).join(':')
}
