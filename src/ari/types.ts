/** The parts of ARI's models that are read here. Shapes: Asterisk 22, rest-api/api-docs. */
export interface AriChannel {
  id: string
  name: string
  state: 'Down' | 'Rsrved' | 'OffHook' | 'Dialing' | 'Ring' | 'Ringing' | 'Up' | 'Busy' | string
  caller: { name: string; number: string }
  connected: { name: string; number: string }
  dialplan: { context: string; exten: string }
  creationtime: string
  /** Variables that Asterisk tells unasked, as those of external media. */
  channelvars?: Record<string, string>
}

export interface AriBridge {
  id: string
  bridge_type: string
  channels: string[]
}

export interface AriPlayback {
  id: string
  state: string
}

export interface AriRecording {
  name: string
  state: string
  cause?: string
  duration?: number
}

/** Any event. `type` names it; what else is there depends on the type and is optional here. */
export interface AriEvent {
  type: string
  application?: string
  args?: string[]
  channel?: AriChannel
  peer?: AriChannel
  bridge?: AriBridge
  playback?: AriPlayback
  recording?: AriRecording
  /** Q.850 cause of a hangup. */
  cause?: number
  /** The SIP status behind the cause, where there was one (Asterisk 22.6 and later). */
  tech_cause?: number
  digit?: string
  /** How long a key was, in milliseconds. */
  duration_ms?: number
  /** When Asterisk told so, as `2026-11-26T01:26:42.797+0000`. */
  timestamp?: string
  dialstatus?: string
  /** Of a transfer (ChannelTransfer): where to, and by whom; with a state it is what became of it. */
  state?: string
  refer_to?: { requested_destination?: { destination?: string } }
  referred_by?: { source_channel?: AriChannel }
  /** Of an event that somebody made by a request. */
  eventname?: string
}

/** The channel, playback or recording that it is about. */
export function subjectOf({ channel, playback, recording, eventname, referred_by }: AriEvent): string | undefined {
  return channel?.id ?? playback?.id ?? recording?.name ?? eventname ?? referred_by?.source_channel?.id
}

/** What ARI answers when it refuses. `status` is HTTP's; 0 stands for no answer at all. */
export class AriError extends Error {
  override name = 'AriError'

  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }

  /** The channel, bridge, playback or recording is not there any more: a caller hung up meanwhile, which is normal. */
  get gone(): boolean {
    return this.status === 404
  }
}
