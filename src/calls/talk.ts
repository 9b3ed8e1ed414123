import { cleanUp, unlessGone } from '../ari/connection.ts'
import type { Inbox } from '../ari/inbox.ts'
import type { AriEvent } from '../ari/types.ts'
import { ignoreConflict } from './bridge.ts'
import {
  createLeg,
  dialLeg,
  statusOf,
  type DialOptions,
  type Endpoint,
  type Outcome,
  type PendingTransfer,
  type Transfers,
} from './leg.ts'
import type { Run } from './run.ts'
import { declineTransfer, tellTransfer } from './transfer-progress.ts'

/** How long after the answer the caller is looked at, and at most between two looks. */
const firstLookMs = 1_000
const lookMsMax = 60_000

/**
 * The caller and one other party in a bridge, until either hangs up. Meanwhile the other party, or the API, may send the
 * caller to somebody else (a blind transfer, RFC 5589 section 6): the caller hears music, then ringing; where nobody
 * answers, they talk on with the one who has sent them.
 */
export class Talk {
  /** Every leg that was made: they end with the talk. */
  readonly legs: Set<string>

  constructor(
    readonly run: Run,
    readonly inbox: Inbox,
    readonly options: DialOptions,
    ...legs: string[]
  ) {
    this.legs = new Set(legs)
  }

  /** The other party's end; the caller's aborts the signal, and `next` throws its reason. */
  async untilEnd(first: string, destination: Endpoint): Promise<Outcome> {
    const { call } = this.run
    let now: { leg: string; to: Endpoint } | undefined = { leg: first, to: destination }
    const ask = (to: Endpoint) => this.inbox.push({ type: transferByApi, to } as AriEvent & { to: Endpoint })
    const off = this.options.transfers ? call.transfers.on(ask) : () => undefined
    try {
      for (let pause = firstLookMs; now; pause = Math.min(pause * 2, lookMsMax)) {
        const look = performance.now() + pause
        for (let event; now && (event = await this.inbox.next(look));) now = await this.#after(event, now)
        if (now) await this.#lookAtCaller()
      }
      return { talked: true, legGone: true }
    } finally {
      off()
    }
  }

  /** Goes on with who talked, or was sent for, before a crash. */
  async resume(first: string, destination: Endpoint): Promise<Outcome> {
    const { leg = first, to = destination, pending } = this.options.transfers?.state ?? {}
    for (const id of [leg, pending?.id]) if (id) this.#watch(id)
    if (pending) {
      const found = await this.#complete(leg, to, pending, true)
      return found ? this.untilEnd(found.leg, found.to) : { talked: true, legGone: true }
    }
    if (!(await this.#isThere(leg))) return { talked: true, legGone: true }
    return this.untilEnd(leg, to)
  }

  async #after(event: AriEvent & { to?: Endpoint }, now: { leg: string; to: Endpoint }) {
    const { leg, to } = now
    if (event.type === 'ChannelDestroyed' && event.channel?.id === leg) return undefined
    if (event.type === transferByApi && event.to) return this.#transfer(leg, to, event.to)
    if (event.type !== 'ChannelTransfer' || event.state || event.referred_by?.source_channel?.id !== leg) return now
    const user = event.refer_to?.requested_destination?.destination ?? ''
    const wanted = await this.options.transfers?.resolve(to, user)
    if (wanted) return this.#transfer(leg, to, wanted)
    await this.#tell(leg, 'channel_declined')
    return now
  }

  #transfer(leg: string, from: Endpoint, to: Endpoint) {
    return this.options.transfers
      ? this.#begin(this.options.transfers, leg, from, to)
      : Promise.resolve({ leg, to: from })
  }

  /** It is known to a run after a crash before anything of it is done. Without a leg nobody is left who transfers. */
  async #begin(transfers: Transfers, leg: string, from: Endpoint, to: Endpoint) {
    const { state } = transfers
    state.count = (state.count ?? 0) + 1
    const pending = { id: `${this.options.id}-t${state.count}`, to }
    Object.assign(state, { leg, to: from, pending })
    await transfers.save()
    this.#watch(pending.id)
    return this.#complete(leg, from, pending, false)
  }

  /** Who the caller talks with after it; undefined: nobody. Whoever has hung up meanwhile is called once more. */
  async #complete(
    leg: string,
    from: Endpoint,
    pending: PendingTransfer,
    isAgain: boolean,
  ): Promise<{ leg: string; to: Endpoint } | undefined> {
    const { channels } = this.run.call.node.ari
    const refusal = await this.#fetch(leg, pending, isAgain)
    if (refusal === undefined) {
      await this.#tell(leg, 'channel_answered')
      if (leg !== '') await cleanUp([channels.hangup({ channelId: leg })])
      return this.#settle({ leg: pending.id, to: pending.to })
    }
    const isBack = leg !== '' && (await this.#isThere(leg))
    await this.#tell(leg, refusal >= 600 ? 'channel_declined' : 'channel_unavailable')
    await cleanUp([channels.hangup({ channelId: pending.id })])
    if (isBack) {
      await this.#join(leg)
      return this.#settle({ leg, to: from })
    }
    return leg === '' ? undefined : this.#begin(this.options.transfers!, '', from, from)
  }

  async #settle(now: { leg: string; to: Endpoint }) {
    const { transfers } = this.options
    Object.assign(transfers!.state, now)
    delete transfers!.state.pending
    await transfers!.save()
    return now
  }

  /** Rings the new party. Resolves to nothing when they talk with the caller, or to the SIP status of the refusal. */
  async #fetch(leg: string, { id, to }: PendingTransfer, isAgain: boolean): Promise<number | undefined> {
    const { call } = this.run
    const { ari } = call.node
    const { channelId } = call
    const { id: bridgeId, identity, ringSeconds } = this.options
    const found = isAgain ? await unlessGone(ari.channels.get({ channelId: id })) : undefined
    // What was dialled before a crash and is gone was refused.
    if (isAgain && !found) return 480
    if (leg !== '') await cleanUp([ari.bridges.removeChannel({ bridgeId, channel: leg })])
    await cleanUp([ari.channels.startMoh({ channelId })])
    try {
      if (!found) await createLeg(call, id, to, identity)
      return found?.state === 'Up' ? undefined : await this.#untilAnswer(id, ringSeconds, isAgain)
    } finally {
      await cleanUp([ari.channels.stopMoh({ channelId })])
    }
  }

  /** The new leg is in the bridge before it is dialled, so Asterisk itself passes ringing and the answer on. */
  async #untilAnswer(id: string, ringSeconds: number, isDialled: boolean): Promise<number | undefined> {
    const { call } = this.run
    const deadline = performance.now() + ringSeconds * 1000
    for (;;) {
      const event = await this.inbox.next(deadline)
      if (!event) return 480
      declineTransfer(call.node, event) // one at a time
      if (event.channel?.id !== id) continue
      if (event.type === 'ChannelDestroyed') return statusOf(event)
      if (event.type === 'StasisStart' && !isDialled) {
        await this.#join(id)
        await dialLeg(call, id, this.options)
      }
      if (event.type !== 'ChannelStateChange') continue
      if (event.channel.state === 'Up') return undefined
      if (event.channel.state === 'Ringing')
        await cleanUp([call.node.ari.channels.stopMoh({ channelId: call.channelId })])
    }
  }

  async #join(leg: string): Promise<void> {
    const { ari } = this.run.call.node
    const joined = ari.bridges.addChannel({ bridgeId: this.options.id, channel: leg })
    await unlessGone(joined.catch(ignoreConflict))
  }

  async #tell(leg: string, progress: Parameters<typeof tellTransfer>[2]): Promise<void> {
    if (leg !== '') await tellTransfer(this.run.call.node, leg, progress)
  }

  async #isThere(leg: string): Promise<boolean> {
    return (await unlessGone(this.run.call.node.ari.channels.get({ channelId: leg }))) !== undefined
  }

  #watch(leg: string): void {
    this.inbox.watch(leg)
    this.legs.add(leg)
  }

  /**
   * A CANCEL that crosses the callee's answer can end the caller's SIP session while Asterisk answers the caller in the
   * bridge: ast_answer() then takes the hangup off the channel's queue, and the bridge, which hears no more of a caller
   * who is gone, waits for ever. Any command makes Stasis look for itself whether the channel has hung up
   * (res_stasis.c), and this one does nothing else to a caller who was answered.
   */
  async #lookAtCaller(): Promise<void> {
    const { node, channelId } = this.run.call
    await cleanUp([node.ari.channels.ringStop({ channelId })])
  }
}

const transferByApi = 'a transfer was asked for'
