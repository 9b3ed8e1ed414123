import { fromMulaw, toMulaw } from './mulaw.ts'
import { fromBytes, toBytes } from './pcm.ts'

/** How Asterisk sends and takes the samples of a channel. */
export interface Format {
  rate: number
  encode: (samples: Int16Array) => Uint8Array
  decode: (bytes: Uint8Array) => Int16Array
}

export const linear = (rate: number): Format => ({ rate, encode: toBytes, decode: fromBytes })

/** By the name that MEDIA_START has for each. */
export const formats: Readonly<Record<string, Format>> = {
  ulaw: { rate: 8000, encode: toMulaw, decode: fromMulaw },
  slin: linear(8000),
  slin16: linear(16_000),
  slin24: linear(24_000),
}

/**
 * When the next frame is due. A queue in Asterisk that has once grown never gets shorter (asterisk issue 2115), so it
 * never holds more than the lead; and after a pause of ours nothing is caught up with.
 */
export class Pace {
  /** When what was sent will have been heard. */
  #heard = 0

  constructor(readonly leadMs: number) {}

  /** How long to wait before a frame of `ms` is sent. */
  next(ms: number): number {
    const now = performance.now()
    this.#heard = Math.max(this.#heard, now) + ms
    return this.#heard - now - this.leadMs
  }

  /** Nothing was heard for so long, because it was held. */
  held(ms: number): void {
    this.#heard += ms
  }
}

export type Message = Readonly<Record<string, string | number | undefined>>

/** `MEDIA_START key:value …`, or the same as JSON where that was asked for. */
export function parseMessage(message: string): Message {
  return message.startsWith('{') ? asJson(message) : asText(message)
}

function asJson(message: string): Message {
  try {
    return JSON.parse(message) as Message
  } catch {
    return {}
  }
}

function asText(message: string): Message {
  const [event, ...pairs] = message.trim().split(' ')
  const entries = pairs.map((pair) => [pair.slice(0, pair.indexOf(':')), pair.slice(pair.indexOf(':') + 1)])
  return { ...(Object.fromEntries(entries) as Message), event }
}
