import type { AriNode } from '../ari/connection.ts'
import { HashdialError } from '../errors.ts'
import type { Call } from './call.ts'

/** The calls that this process carries. */
export class Switchboard {
  readonly #calls = new Map<string, Call>()
  readonly #channels = new Set<string>()

  /** Keeps the call until `done`, which is everything that is done for it, and until its channel is gone. */
  add(call: Call, done: Promise<void>): void {
    this.#calls.set(call.id, call)
    this.#channels.add(call.channelId)
    void Promise.allSettled([done, call.over]).then(() => {
      this.#calls.delete(call.id)
      this.#channels.delete(call.channelId)
    })
  }

  get size(): number {
    return this.#calls.size
  }

  of(node: AriNode): Call[] {
    return [...this.#calls.values()].filter((call) => call.node === node)
  }

  hasChannel(id: string): boolean {
    return this.#channels.has(id)
  }

  has(callId: string): boolean {
    return this.#calls.has(callId)
  }

  get(callId: string): Call | undefined {
    return this.#calls.get(callId)
  }

  /** Ends a call on a user's behalf. */
  async hangup(callId: string): Promise<void> {
    const call = this.#calls.get(callId)
    if (!call || call.ending)
      throw new HashdialError('FAILED_PRECONDITION', 'CALL_ALREADY_HANGUP', 'the call has ended already')
    await call.hangup('normal')
  }
}
