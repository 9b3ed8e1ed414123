import type { AriNode } from '../ari/connection.ts'
import type { Address, Call, CallHouse, CallRow } from '../calls/call.ts'
import type { HangupReason } from '../calls/causes.ts'
import { idOf } from '../id.ts'
import type { Leg } from './originate.ts'
import type { Trail } from '../calls/stamp.ts'
import type { LiveCalls } from '../calls/live-calls.ts'
import { now } from '../database.ts'
import type { Entry } from '../database/write-behind.ts'
import type { FlowRequest } from './flows.ts'

/** A row of `groupcalls`; see sql/005-groupcalls.sql. */
export interface GroupcallRow {
  id: string
  customer_id: string
  flow_id: string | null
  master_call_id: string | null
  answer_call_id: string | null
  node: string
  source: Address
  destinations: Address[]
  ring_method: 'ring_all' | 'linear'
  status: 'dialing' | 'progressing' | 'terminating' | 'canceling' | 'hangup'
  hangup_by: CallRow['hangup_by']
  hangup_reason: HangupReason
  state: GroupcallState
  tm_progressing: string | null
  tm_hangup: string | null
  tm_create: string
  tm_update: string | null
}

/** What each of its calls gets. */
export interface GroupcallState extends FlowRequest {
  /** One for each destination. */
  legs: Leg[]
  trail: Trail
}

export const groupcallColumns = [
  ...['id', 'customer_id', 'flow_id', 'master_call_id', 'answer_call_id', 'node', 'source', 'destinations'],
  ...['ring_method', 'status', 'hangup_by', 'hangup_reason', 'state'],
  ...['tm_progressing', 'tm_hangup', 'tm_create', 'tm_update'],
] as const

/** Finds or makes the call to the destination at an index; undefined: it is over, or not wanted any more. */
export type Member = (group: Groupcall, index: number) => Promise<Call | undefined>

/** Several calls of which one is wanted: who answers first gets the flow, the others stop ringing. */
export class Groupcall {
  constructor(
    readonly row: GroupcallRow,
    readonly node: AriNode,
    readonly house: CallHouse,
    readonly switchboard: LiveCalls,
  ) {}

  /** Another process goes on with it. */
  isHandedOver = false

  callId(index: number): string {
    return idOf(`${this.row.id}-${index}`)
  }

  /** Stores it, and what happened. */
  save(what?: 'created' | 'progressing' | 'hangup'): Promise<void> {
    const { writes, eventOf } = this.house
    const events: Entry[] = what ? [['events', eventOf('groupcall', what, this.row)]] : []
    return writes.store([['groupcalls', this.row], ...events])
  }

  /** Calls one after another, or all, and lasts until all have ended. A run after a crash finds those that were made. */
  async run(member: Member): Promise<void> {
    if (this.#ending || this.row.answer_call_id) this.#drop()
    const calls: Call[] = []
    const ring = async (index: number): Promise<void> => {
      const call = await member(this, index).catch((err: unknown) =>
        this.house.log.warn({ err: err as Error, groupcall: this.row.id }, 'one of several calls could not be made'),
      )
      if (call) calls.push(call)
      await call?.ended
    }
    const all = this.row.destinations.map((_, index) => index)
    if (this.row.ring_method === 'ring_all') await Promise.all(all.map(ring))
    else for (const index of all) await ring(index)
    if (this.isHandedOver) return
    const last = calls.find(({ id }) => id === this.row.answer_call_id) ?? calls.at(-1)
    const { hangup_by, hangup_reason } = last?.row ?? { hangup_by: '', hangup_reason: 'failed' as const }
    Object.assign(this.row, { status: 'hangup', hangup_by, hangup_reason, tm_hangup: now(), tm_update: now() })
    await this.save('hangup')
  }

  /** Is this the call that answered first? Then the others stop ringing. */
  claim(call: Call): boolean {
    const first = this.row.answer_call_id === null && !this.#ending
    if (first) this.#set({ answer_call_id: call.id, status: 'progressing', tm_progressing: now() }, 'progressing')
    if (this.row.answer_call_id !== call.id) return false
    this.#drop()
    return true
  }

  hangup(): void {
    this.#set({ status: this.row.answer_call_id ? 'terminating' : 'canceling' })
    this.#drop()
  }

  get #ending(): boolean {
    return this.row.status === 'terminating' || this.row.status === 'canceling'
  }

  /** Nobody has answered yet, and an answer is wanted still. */
  get wanted(): boolean {
    const { master_call_id, answer_call_id } = this.row
    const isOver = master_call_id !== null && !this.switchboard.isLive(master_call_id)
    return answer_call_id === null && !this.#ending && !isOver && !this.isHandedOver
  }

  /** Ends all its calls, or all but the one that was answered. */
  #drop(): void {
    for (const index of this.row.destinations.keys()) {
      const call = this.switchboard.get(this.callId(index))
      if (!call || call.hangingUp || (call.id === this.row.answer_call_id && !this.#ending)) continue
      call.cancel().catch((error: unknown) => call.log.warn({ err: error as Error }, 'it rings on'))
    }
  }

  #set(changes: Partial<GroupcallRow>, what?: 'progressing'): void {
    Object.assign(this.row, { ...changes, tm_update: now() })
    this.save(what).catch((error: unknown) =>
      this.house.log.warn({ err: error as Error, groupcall: this.row.id }, 'the groupcall could not be recorded'),
    )
  }
}
