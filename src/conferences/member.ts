import { cleanUp, unlessGone } from '../ari/connection.ts'
import type { AriEvent } from '../ari/types.ts'
import { ignoreConflict } from '../calls/bridge.ts'
import type { Call } from '../calls/call.ts'
import type { Run } from '../calls/run.ts'
import { DtmfMenu, type MenuCommand } from './menu.ts'
import type { ConferencecallRow } from './row.ts'
import { factorOf, type Sound } from './sound.ts'

/** Why a participant is out: they hung up, or went on with their flow. */
export type LeaveReason = 'hangup' | 'left' | 'kicked' | 'ended'

/** What a member tells the conference that it is in. */
export interface MemberListener {
  talks(member: Member, talking: boolean): void
  pressed(member: Member, command: MenuCommand): void
}

/** Silence that ends a talker's turn, in milliseconds: a breath does not (TALK_DETECT, func_talkdetect.c). */
const silenceMs = 1_500

/** One participant: their row, and what was done to their channel. */
export class Member {
  /** What Asterisk was told; what is not known here (after a crash) is told in any case. */
  #sound: Partial<Sound> = {}
  #volumes: { heard?: number; spoken?: number } = {}
  readonly #off: (() => void)[]
  #out!: (reason: LeaveReason) => void
  /** Resolves when they have to go. Their flow goes on then. */
  readonly out = new Promise<LeaveReason>((resolve) => (this.#out = resolve))

  constructor(
    readonly call: Call,
    readonly row: ConferencecallRow,
    listener: MemberListener,
  ) {
    const menu = new DtmfMenu((command) => listener.pressed(this, command))
    this.#off = [
      call.node.on(call.channelId, (event) => this.#event(event, listener)),
      call.dtmf.on((digit) => menu.press(digit)),
    ]
  }

  /** Resolves to why they are out. Throws the signal's reason when that comes first: their call may go on elsewhere. */
  async untilOut({ signal }: Pick<Run, 'signal'>): Promise<LeaveReason> {
    signal.throwIfAborted()
    let stop = () => undefined as void
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason as Error)
      signal.addEventListener('abort', stop, { once: true })
    })
    return Promise.race([this.out, aborted]).finally(() => signal.removeEventListener('abort', stop))
  }

  leave(reason: LeaveReason): void {
    this.#out(reason)
  }

  /** Asterisk was out of reach: what was told it is not known to be so. */
  forget(): void {
    this.#sound = {}
    this.#volumes = {}
  }

  release(): void {
    for (const off of this.#off) off()
  }

  /** Makes the channel be as it has to. Of a channel that is gone nothing is told. */
  async apply(wanted: Sound, bridgeId: string): Promise<void> {
    const { channelId, node } = this.call
    const { bridges, channels } = node.ari
    const known = this.#sound
    this.#sound = wanted
    if (wanted.muted !== known.muted) {
      const which = { channelId, direction: 'in' } as const
      await cleanUp([wanted.muted ? channels.mute(which) : channels.unmute(which)])
    }
    if (wanted.bridged && !known.bridged) await this.#join(bridgeId)
    else if (!wanted.bridged && known.bridged) await cleanUp([bridges.removeChannel({ bridgeId, channel: channelId })])
    if (wanted.music !== known.music)
      await cleanUp([wanted.music ? channels.startMoh({ channelId }) : channels.stopMoh({ channelId })])
    await this.#applyVolumes()
  }

  /** They are not in it any more, and hear nothing of it. */
  async detach(bridgeId: string): Promise<void> {
    const { channelId, node } = this.call
    const { bridges, channels } = node.ari
    const { volume_heard, volume_spoken } = this.row
    await cleanUp([
      bridges.removeChannel({ bridgeId, channel: channelId }),
      channels.stopMoh({ channelId }),
      channels.unmute({ channelId, direction: 'in' }),
      channels.setChannelVar({ channelId, variable: 'TALK_DETECT(remove)', value: '' }),
      ...(volume_heard || volume_spoken ? this.#volumesOf(0, 0) : []),
    ])
  }

  /** One that is in the bridge already, as after a crash, must not leave it and come again: the others would notice. */
  async #join(bridgeId: string): Promise<void> {
    const { channelId, node } = this.call
    const { bridges, channels } = node.ari
    const bridge = await unlessGone(bridges.get({ bridgeId }))
    if (!bridge?.channels.includes(channelId))
      await unlessGone(bridges.addChannel({ bridgeId, channel: channelId, absorbDTMF: true }).catch(ignoreConflict))
    const value = String(silenceMs)
    await cleanUp([channels.setChannelVar({ channelId, variable: 'TALK_DETECT(set)', value })])
  }

  async #applyVolumes(): Promise<void> {
    const { volume_heard: heard, volume_spoken: spoken } = this.row
    const { heard: knownHeard = 0, spoken: knownSpoken = 0 } = this.#volumes
    if (heard === knownHeard && spoken === knownSpoken) return
    this.#volumes = { heard, spoken }
    await cleanUp(this.#volumesOf(heard, spoken))
  }

  #volumesOf(heard: number, spoken: number): Promise<void>[] {
    const { channelId, node } = this.call
    const set = (side: 'TX' | 'RX', decibels: number) =>
      node.ari.channels.setChannelVar({ channelId, variable: `VOLUME(${side})`, value: factorOf(decibels) })
    return [set('TX', heard), set('RX', spoken)]
  }

  #event({ type }: AriEvent, listener: MemberListener): void {
    if (type === 'ChannelTalkingStarted') listener.talks(this, true)
    else if (type === 'ChannelTalkingFinished') listener.talks(this, false)
  }
}
