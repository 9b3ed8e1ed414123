import type { AriNode } from '../ari/connection.ts'
import { AriError } from '../ari/types.ts'
import { HashdialError } from '../errors.ts'
import { CallElsewhere } from '../nodes/elsewhere.ts'
import type { Call } from './call.ts'

/** The calls that this process carries. */
export class LiveCalls {
  readonly #calls = new Map<string, Call>()
  /** By node and channel: two Asterisks that were started in the same second give their channels the same ids. */
  readonly #channels = new Set<string>()
  /** Every Asterisk that this process works with. */
  nodes: readonly AriNode[] = []
  /** Records the end of a call that an earlier process has left, and that Asterisk says nothing of. False: it has ended. */
  endStored: (callId: string) => Promise<boolean> = () => Promise.resolve(false)

  /** Keeps the call until `done`, which is everything that is done for it, and until its channel is gone. */
  add(call: Call, done: Promise<void>): void {
    this.#calls.set(call.id, call)
    this.#channels.add(channelKey(call.node, call.channelId))
    void call.ended.then(() => call.hasEnded && this.#cancel((other) => other.row.master_call_id === call.id))
    void Promise.allSettled([done, call.ended]).then(() => {
      if (this.#calls.get(call.id) === call) this.#delete(call)
    })
  }

  /** Another process carries this Asterisk from now on. */
  handOver(node: AriNode): void {
    for (const call of this.of(node)) {
      this.#delete(call)
      call.handOver()
    }
  }

  #delete(call: Call): void {
    this.#calls.delete(call.id)
    this.#channels.delete(channelKey(call.node, call.channelId))
  }

  /** Ends those that were to end with a call that is over. */
  cancelChained(node: AriNode): void {
    this.#cancel(
      (call) => call.node === node && call.row.master_call_id !== null && !this.isLive(call.row.master_call_id),
    )
  }

  isLive(callId: string): boolean {
    return this.#calls.get(callId)?.hasEnded === false
  }

  #cancel(which: (call: Call) => boolean): void {
    for (const call of this.#calls.values())
      if (!call.hangingUp && which(call))
        call.cancel().catch((error: unknown) => call.log.warn({ err: error as Error }, 'a call could not be ended'))
  }

  /** The connected Asterisk that has the fewest calls. */
  leastBusy(): AriNode {
    if (!this.nodes.some(({ carried }) => carried)) throw new CallElsewhere(undefined)
    const [node] = this.nodes.filter(({ connected }) => connected).sort((a, b) => this.of(a).length - this.of(b).length)
    if (node) return node
    throw new HashdialError('UNAVAILABLE', 'ASTERISK_AWAY', 'no Asterisk is connected: try again in a moment')
  }

  get size(): number {
    return this.#calls.size
  }

  of(node: AriNode): Call[] {
    return [...this.#calls.values()].filter((call) => call.node === node)
  }

  hasChannel(node: AriNode, id: string): boolean {
    return this.#channels.has(channelKey(node, id))
  }

  has(callId: string): boolean {
    return this.#calls.has(callId)
  }

  get(callId: string): Call | undefined {
    return this.#calls.get(callId)
  }

  /** Ends a call on a user's behalf. Its `node` says whether it can be here. */
  async hangup(callId: string, node?: string): Promise<void> {
    const call = this.#calls.get(callId)
    if (!call) this.checkHere(node)
    if (!call && this.#isAway(node) && (await this.endStored(callId))) return
    if (!call || call.hangingUp)
      throw new HashdialError('FAILED_PRECONDITION', 'CALL_ALREADY_HANGUP', 'the call has ended already')
    // An Asterisk that is away says nothing of it; if it is there still, the next comparison ends what it has of the call.
    if (!call.node.connected) return call.end('local', call.outgoing && !call.answered ? 'cancel' : 'normal')
    await call.cancel().catch((error: unknown) => {
      throw error instanceof AriError ? new HashdialError('UNAVAILABLE', 'ASTERISK_AWAY', error.message) : error
    })
  }

  #isAway(node: string | undefined): boolean {
    return this.nodes.some(({ name, connected }) => name === node && !connected)
  }

  /** Is this Asterisk another process's? Then nothing can be done here for its calls. */
  checkHere(node: string | undefined): void {
    if (node === undefined || this.nodes.some(({ name, carried }) => carried && name === node)) return
    throw new CallElsewhere(node)
  }
}

const channelKey = ({ name }: AriNode, id: string): string => `${name} ${id}`
