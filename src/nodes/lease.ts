import { setTimeout as delay } from 'node:timers/promises'
import type { AriNode } from '../ari/connection.ts'
import type { Logger } from '../log.ts'
import { SameAsterisk, leaseMs, type LeaseState, type LeaseTable } from './lease-table.ts'
import { Probe } from './probe.ts'

/** In milliseconds: between two renewals, and between two looks at one that another process holds. */
const renewMs = 1_000
const lookMs = 400
/** How often it is said that an Asterisk that another process holds is in our configuration too. */
const registerMs = 30_000
/** How long a process that starts leaves one alone that has run out: the database may have been away until just now. */
const startMs = 1_500

/** connected: the calls of the Asterisk are carried here; held: they would be, but it does not answer; waiting: another process has it. */
export type NodeState = 'connected' | 'held' | 'waiting'

/**
 * The lease of one Asterisk: takes it when it is free, and renews it. The Asterisk is connected only while it is ours. A
 * database that does not answer takes it from nobody.
 */
export class Lease {
  readonly node: AriNode
  readonly #table: LeaseTable
  readonly #log: Logger
  readonly #handOver: (node: AriNode) => void
  readonly #probe: Probe
  readonly #stopped = new AbortController()
  #seen: LeaseState | undefined
  #registered = -Infinity
  /** Until then one that has run out is left to its holder. */
  #leftAloneUntil = performance.now() + startMs
  #running: Promise<void> = Promise.resolve()

  constructor(node: AriNode, table: LeaseTable, log: Logger, handOver: (node: AriNode) => void) {
    this.node = node
    node.carried = false
    this.#table = table
    this.#log = log.child({ node: node.name })
    this.#handOver = handOver
    this.#probe = new Probe(node, table.holder.id)
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Is another process there that has it, and reaches it? */
  get isElsewhere(): boolean {
    return !this.node.carried && this.#seen !== undefined && !this.#seen.expired && !this.#seen.lost
  }

  get state(): NodeState {
    if (!this.node.carried) return 'waiting'
    return this.node.connected && !this.#probe.isSilent ? 'connected' : 'held'
  }

  /** The Asterisk goes on, and so does the lease, until `release`: what is under way here has to be stored before. */
  disconnect(): void {
    this.#stopped.abort()
    this.node.stop()
  }

  async release(): Promise<void> {
    this.disconnect()
    await this.#running
    if (!this.node.carried) return
    this.node.carried = false
    await this.#table
      .release(this.node.name)
      .catch((err: Error) => this.#log.warn({ err }, 'a lease could not be given back; it runs out'))
  }

  /** Somebody has taken our place at the Asterisk: its calls are theirs. */
  lose(why: string): void {
    if (!this.node.carried) return
    this.#log.error({ why }, 'this Asterisk is not carried here any more; its calls go on there')
    this.node.carried = false
    this.node.stop()
    this.#handOver(this.node)
    this.#leftAloneUntil = performance.now() + leaseMs
    this.#table.release(this.node.name).catch(() => undefined) // it runs out
  }

  /** Which Asterisk it is that answers; while the database is away that is looked at the next time. */
  async identified(identity: string): Promise<void> {
    try {
      await this.#table.identify(this.node.name, identity)
    } catch (error) {
      if (error instanceof SameAsterisk) throw error
      this.#log.warn({ err: error as Error }, 'it is not known whether this Asterisk is carried by another address')
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      try {
        await (this.node.carried ? this.#renew() : this.#look())
      } catch {
        // The database is away, of which others tell. When it is back, its holder comes first.
        this.#leftAloneUntil = performance.now() + leaseMs
      }
      await delay(this.node.carried ? renewMs : lookMs, undefined, { signal }).catch(() => undefined)
    }
  }

  async #renew(): Promise<void> {
    this.#probe.look()
    const { name } = this.node
    if (!(await this.#table.renew(name, this.state === 'connected')) && !this.#stopped.signal.aborted)
      this.lose('another process has its lease')
  }

  async #look(): Promise<void> {
    const { name } = this.node
    const { host, url } = this.#table.holder
    if (performance.now() - this.#registered > registerMs) {
      await this.#table.register(name)
      this.#registered = performance.now()
    }
    const seen = (this.#seen = await this.#table.read(name))
    if (!seen) return
    // Nobody else listens where we do.
    const isOurs = seen.holder_host === host && seen.holder_url === url
    const isFree = seen.holder === null || isOurs || (seen.expired && performance.now() >= this.#leftAloneUntil)
    if (!isFree || this.#stopped.signal.aborted || !(await this.#table.take(name, seen.holder))) return
    this.#log.info('this Asterisk is carried here from now on')
    this.node.carried = true
    if (!this.#stopped.signal.aborted) this.node.start()
  }
}
