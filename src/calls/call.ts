import { cleanUp, unlessGone, type AriNode } from '../ari/connection.ts'
import type { AriChannel, AriEvent } from '../ari/types.ts'
import { now } from '../database.ts'
import type { Entry } from '../database/write-behind.ts'
import type { Logger } from '../log.ts'
import { reasonOfStatus, refusalStatus, type HangupReason } from './causes.ts'
import { DtmfBuffer } from './dtmf-buffer.ts'
import type { CallFacts, CallHouse } from './house.ts'
import type { Endpoint } from './endpoint.ts'
import { News } from './news.ts'
import { Requests } from './requests.ts'
import type { CallRow } from './row.ts'
import { callEnded, handedOver, interrupted } from './signals.ts'
import { newTrail } from './stamp.ts'
import { declineTransfer } from './transfer-progress.ts'

export type { CallFacts, CallHouse } from './house.ts'
export type { Address, CallRow } from './row.ts'

/**
 * One call: its row, its channel, and the signal that ends what is being done for it.
 * The channel's events keep the row true; hanging up aborts `signal` (reason `callEnded`), and so does losing Asterisk
 * (reason `interrupted`), after which `resumed` tells when to go on, with a new signal.
 */
export class Call implements CallFacts {
  readonly #off: () => void
  #attempt = new AbortController()
  #waiting: (() => void)[] = []
  readonly #news: News
  readonly #answering: (() => void)[] = []
  #over: () => void = () => undefined
  /** Resolves when the channel is gone, or another process carries the call. */
  readonly ended = new Promise<void>((resolve) => (this.#over = resolve))
  readonly #limit: NodeJS.Timeout
  /** Its row is in MySQL. */
  stored = false
  readonly dtmf = new DtmfBuffer()
  /** Somebody wants the caller to be sent to somebody else: who is in the bridge with them does it. */
  readonly transfers = new Requests<Endpoint>()
  trail = newTrail

  constructor(
    readonly row: CallRow,
    readonly node: AriNode,
    readonly house: CallHouse,
  ) {
    this.#off = node.on(row.channel_id, (event) => this.#event(event))
    this.#news = new News(row, house.eventOf)
    const left = Date.parse(row.tm_create) + house.callSeconds * 1000 - Date.now()
    this.#limit = setTimeout(() => void this.hangup('timeout').catch(() => undefined), Math.max(0, left))
  }

  get id(): string {
    return this.row.id
  }

  get channelId(): string {
    return this.row.channel_id
  }

  /** Ends what is being done for the call now. */
  get signal(): AbortSignal {
    return this.#attempt.signal
  }

  /** Somebody has hung up; that the channel is gone is `ended`. */
  get hangingUp(): boolean {
    return this.row.hangup_by !== ''
  }

  get hasEnded(): boolean {
    return this.row.tm_hangup !== null
  }

  get interrupted(): boolean {
    return this.signal.reason === interrupted
  }

  /** Another process carries it, and this one has nothing to do with it any more. */
  get isHandedOver(): boolean {
    return this.signal.reason === handedOver
  }

  get answered(): boolean {
    return this.row.tm_progressing !== null
  }

  /** It is we who called. */
  get outgoing(): boolean {
    return this.row.direction === 'outgoing'
  }

  get log(): Logger {
    return this.house.log.child({ call: this.id })
  }

  /** The row, and what happened since this was asked last. */
  entries(): Entry[] {
    return [['calls', this.row], ...this.#news.take(this.stored)]
  }

  async save(urgency?: 'soon'): Promise<void> {
    if (this.isHandedOver) return
    await this.house.writes.store(this.entries(), urgency)
    this.stored = true
  }

  async answer(): Promise<void> {
    if (this.answered) return
    if (this.outgoing) return this.untilAnswered()
    await this.node.ari.channels.answer({ channelId: this.channelId })
    // The event that tells so may come later: what is done next must not take him for one who was not answered.
    this.#progress()
  }

  /** Resolves when whom we call has answered. Throws the call's reason. */
  async untilAnswered(): Promise<void> {
    const { signal } = this
    signal.throwIfAborted()
    if (this.answered) return
    await new Promise<void>((resolve, reject) => {
      this.#answering.push(resolve)
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
  }

  /** Ends the call: a caller who was not answered gets the SIP `status` (480 where none is given), others a BYE. */
  async hangup(reason: HangupReason = 'normal', status = 480): Promise<void> {
    if (this.hangingUp || this.hasEnded) return
    this.#setEnd('local', reason)
    const { channelId } = this
    const { channels } = this.node.ari
    const refusal = { context: 'hashdial_refuse', extension: String(status), priority: 1 }
    if (this.outgoing) await this.#hangupLeg()
    else if (this.answered) await unlessGone(channels.hangup({ channelId }))
    // ARI can name a Q.850 cause only, and 21 would make a device's 603 a 403: the dialplan's PJSIPHangup() is exact.
    else await unlessGone(channels.continueInDialplan({ channelId, ...refusal }))
  }

  /** Ends it because somebody else wants that: a call that rings is cancelled. */
  cancel(): Promise<void> {
    return this.hangup(this.outgoing && !this.answered ? 'cancel' : 'normal')
  }

  /** Ends the call as the SIP `status` says, when nobody took it. */
  refuse(status: number): Promise<void> {
    return this.hangup(reasonOfStatus(status), status)
  }

  /** The channel is gone, known from an event or found out after a time without events. */
  end(by: CallRow['hangup_by'], reason: HangupReason): void {
    if (this.hasEnded || this.isHandedOver) return
    this.#setEnd(by, reason)
    this.release()
    Object.assign(this.row, { status: 'hangup', tm_hangup: now(), tm_update: now() })
    this.#happened('hangup')
    this.#abort(callEnded)
  }

  /** A hangup of ours may have been lost with a connection, or refused by an Asterisk that was too busy. */
  hangupAgain(): void {
    if (this.hangingUp && !this.hasEnded) void cleanUp([this.node.ari.channels.hangup({ channelId: this.channelId })])
  }

  /** It is not carried here. */
  release(): void {
    this.#off()
    clearTimeout(this.#limit)
  }

  /** Another process carries it from now on. Here it is as if it had ended, but for what is stored. */
  handOver(): void {
    if (this.hasEnded) return
    this.release()
    this.#abort(handedOver)
  }

  /** Asterisk is out of reach: nothing can be done, and events are missed, until `resume`. */
  interrupt(): void {
    this.#attempt.abort(interrupted)
  }

  /** Asterisk is back and still has the channel. */
  resume(): void {
    if (!this.interrupted) return
    this.#attempt = new AbortController()
    this.hangupAgain()
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Resolves when the call goes on after an interruption, or has ended. */
  async resumed(): Promise<void> {
    if (this.interrupted && !this.hasEnded) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** The state of the channel, known from an event or found out after a time without events. */
  updateState(state: AriChannel['state'] | undefined): void {
    if (state === 'Up') this.#progress()
    else if (state === 'Ringing' && this.row.status === 'dialing') {
      Object.assign(this.row, { status: 'ringing', tm_ringing: now(), tm_update: now() })
      this.#happened('ringing')
    }
  }

  #progress(): void {
    if (this.answered) return
    Object.assign(this.row, { status: 'progressing', tm_progressing: now(), tm_update: now() })
    this.#happened('progressing')
    for (const resolve of this.#answering.splice(0)) resolve()
  }

  #abort(reason: Error): void {
    // A signal keeps its first reason, and that Asterisk was out of reach does not matter any more.
    if (this.interrupted) this.#attempt = new AbortController()
    this.#attempt.abort(reason)
    this.#over()
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** A leg of ours may be gone before it was there: nothing is told of that. */
  async #hangupLeg(): Promise<void> {
    const hungUp = this.node.ari.channels.hangup({ channelId: this.channelId }).then(() => true)
    if (!(await unlessGone(hungUp))) this.end('local', this.row.hangup_reason)
  }

  #event(event: AriEvent, { type, channel, cause = 0, tech_cause } = event): void {
    if (type === 'ChannelStateChange') this.updateState(channel?.state)
    else if (type === 'ChannelDtmfReceived') this.dtmf.press(event)
    else if (type === 'ChannelTransfer') declineTransfer(this.node, event)
    // Of a leg that we made ChannelDestroyed is told in any case, and says why nobody answered.
    else if (this.outgoing && !this.answered && type === 'ChannelDestroyed')
      this.end('remote', reasonOfStatus(refusalStatus(cause, tech_cause)))
    else if (this.outgoing && !this.answered) return
    // Of a caller's channel that is in no bridge Asterisk tells nothing after StasisEnd, not even ChannelDestroyed.
    else if (/^(StasisEnd|ChannelDestroyed)$/.test(type)) this.end('remote', this.answered ? 'normal' : 'cancel')
  }

  /** Whoever ended it first is who ended it. */
  #setEnd(by: CallRow['hangup_by'], reason: HangupReason): void {
    if (this.row.hangup_by !== '') return
    const status = this.answered ? 'terminating' : 'canceling'
    Object.assign(this.row, { hangup_by: by, hangup_reason: reason, status })
  }

  /** Stores the row and the news; the call does not wait for that, and it is kept while MySQL is away. */
  #happened(what: string): void {
    this.#news.add(what)
    this.save('soon').catch((err: Error) => this.log.warn({ err }, 'the call could not be recorded'))
  }
}
