import type { AriNode } from '../ari/connection.ts'

/** What a call makes of the device of an extension. */
export interface DeviceCall {
  readonly node: AriNode
  readonly channelId: string
  /** `<username>@<domain>`. */
  readonly aor: string
}

export interface DeviceListener {
  changed(call: DeviceCall, state: 'ringing' | 'busy' | 'free'): void
}

/** Tells which devices ring and talk: those that are called, and those that call. Queues tell of theirs by themselves. */
export class DeviceWatch {
  listener: DeviceListener | undefined
  readonly #watched = new Map<string, () => void>()

  /** A leg that is made. One to somewhere else is nobody's device. */
  leg(node: AriNode, channelId: string, endpoint: string): DeviceCall | undefined {
    const [, aor] = /^PJSIP\/hashdial\/sips?:([^@;]+@[^@;:]+)$/.exec(endpoint) ?? []
    if (aor === undefined || channelId.startsWith('queue-')) return undefined
    const call = { node, channelId, aor }
    this.watch(call, 'ringing')
    return call
  }

  /** Watches a channel until it is gone. One that is watched is watched once. */
  watch(call: DeviceCall, state: 'ringing' | 'busy'): void {
    const { listener } = this
    if (!listener || this.isWatched(call)) return
    const off = call.node.on(call.channelId, ({ type, channel }) => {
      if (type === 'ChannelStateChange' && channel?.state === 'Up') listener.changed(call, 'busy')
      if (type === 'ChannelDestroyed') this.gone(call)
    })
    this.#watched.set(keyOf(call), off)
    listener.changed(call, state)
  }

  isWatched(call: DeviceCall): boolean {
    return this.#watched.has(keyOf(call))
  }

  /** The channel is gone, or was never made. */
  gone(call: DeviceCall): void {
    this.#watched.get(keyOf(call))?.()
    this.#watched.delete(keyOf(call))
    this.listener?.changed(call, 'free')
  }
}

const keyOf = ({ node, channelId }: DeviceCall): string => `${node.name} ${channelId}`
