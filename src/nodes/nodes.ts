import type { AriNode } from '../ari/connection.ts'
import type { DataSource } from '../database.ts'
import type { Logger } from '../log.ts'
import { LeaseTable } from './lease-table.ts'
import { Lease, type NodeState } from './lease.ts'
import type { Holder } from './node.ts'

export interface NodesOptions {
  database: DataSource
  log: Logger
  holder: Holder
  /** Another process carries the calls of this Asterisk from now on. */
  handOver: (node: AriNode) => void
}

/** The Asterisks of our configuration, each of them carried here or by another process. */
export class Nodes {
  readonly #options: NodesOptions
  readonly table: LeaseTable
  #leases: readonly Lease[] = []

  constructor(options: NodesOptions) {
    this.#options = options
    this.table = new LeaseTable(options.database, options.holder)
  }

  /** What an AriNode has to ask and to tell, beside what it tells those who carry calls. */
  readonly listener = {
    identified: async (node: AriNode, identity: string) => this.#of(node)?.identified(identity),
    replaced: (node: AriNode) => this.#of(node)?.lose('Asterisk tells its events to somebody else'),
  }

  /** None of them is carried before `start`. */
  add(nodes: readonly AriNode[]): void {
    const { log, handOver } = this.#options
    this.#leases = nodes.map((node) => new Lease(node, this.table, log, handOver))
  }

  start(): void {
    for (const lease of this.#leases) lease.start()
  }

  /** Nothing more is done for calls here. They go on in Asterisk. */
  disconnect(): void {
    for (const lease of this.#leases) lease.disconnect()
  }

  /** Another process may carry them, as soon as what became of them here is stored. */
  async release(): Promise<void> {
    await Promise.all(this.#leases.map((lease) => lease.release()))
  }

  get counts(): Record<NodeState, number> {
    const count = (state: NodeState) => this.#leases.filter((lease) => lease.state === state).length
    return { connected: count('connected'), held: count('held'), waiting: count('waiting') }
  }

  /** Can calls be made, here or by another process? */
  get health(): 'ok' | 'degraded' | 'down' {
    const good = this.#leases.filter((lease) => lease.state === 'connected' || lease.isElsewhere).length
    if (good === this.#leases.length && good > 0) return 'ok'
    return good > 0 ? 'degraded' : 'down'
  }

  #of(node: AriNode): Lease | undefined {
    return this.#leases.find((lease) => lease.node === node)
  }
}
