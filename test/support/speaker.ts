import type { ExecutionContext } from 'ava'
import { randomUUID } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { createLogger } from '../../src/log.ts'
import type { Stack } from '../../src/stack/stack.ts'
import { fromMulaw, toMulaw } from '../../src/voice/mulaw.ts'
import { collect, type Pcm } from '../../src/voice/pcm.ts'
import { resample } from '../../src/voice/resample.ts'
import { Voice } from '../../src/voice/voice.ts'
import { sdp } from '../calls/support.ts'
import { contactOf, routes } from '../kamailio/edge.ts'
import { noServices } from '../voice/support.ts'
import { flow, type Short } from './flows.ts'
import type { Setup } from './setup.ts'
import { header, type RequestOptions, type SipClient } from './sip.ts'
import { lastSeconds, loudness, share, type Sound } from './tone.ts'

const frame = 160

/** A caller who says what he is told, in the offline voice, and is silent otherwise: he sends nothing then. */
export class Speaker {
  readonly #began = performance.now()
  #packets = 0
  /** What came, and when; nothing comes while nobody speaks. */
  readonly #heard: { at: number; samples: Int16Array }[] = []

  private constructor(
    readonly client: SipClient,
    readonly dialog: RequestOptions,
    readonly socket: Socket,
    /** Where Asterisk takes his sound. */
    readonly port: number,
    readonly voice: Voice,
  ) {
    socket.on('message', (packet: Buffer) => {
      if ((packet[1]! & 0x7f) === 0)
        this.#heard.push({ at: performance.now(), samples: fromMulaw(packet.subarray(12)) })
    })
  }

  /** Calls a flow of these actions, which answers. */
  static async callFlow(t: ExecutionContext, setup: Setup, actions: readonly Short[]): Promise<Speaker> {
    return Speaker.call(t, setup, await flow(setup, actions))
  }

  /** Calls an address, which answers. */
  static async call(t: ExecutionContext, setup: Setup, uri: string): Promise<Speaker> {
    const voice = new Voice({
      ...{ log: createLogger('silent'), modelsFolder: '', ...noServices },
    })
    t.teardown(() => voice.close())
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    t.teardown(() => socket.close())
    const client = await setup.sip()
    const call = { uri, callId: randomUUID(), tag: 'caller' }
    const body = sdp('127.0.0.1', socket.address().port)
    const answer = await client.request('INVITE', { ...call, cseq: 1, body }, 10_000)
    if (answer.status !== 200) throw new Error(`the flow does not answer: ${answer.start}`)
    const dialog = { ...call, uri: contactOf(answer), extra: routes(answer, true), to: header(answer, 'to') }
    client.send(client.compose('ACK', { ...dialog, cseq: 1 }))
    const port = Number(/^m=audio (\d+)/m.exec(answer.body)?.[1])
    return new Speaker(client, dialog, socket, port, voice)
  }

  /** What was heard since then (performance.now()), at 8 kHz. */
  heard(since = 0): Sound {
    const packets = this.#heard.filter(({ at }) => at >= since)
    const [first] = packets
    if (!first) return { rate: 8_000, samples: new Int16Array(0) }
    const placed: { start: number; samples: Int16Array }[] = []
    let [end, before] = [0, first.at]
    for (const { at, samples } of packets) {
      // What comes without a pause belongs together, however the packets were jostled on their way.
      const start = at - before < 100 ? end : Math.max(end, Math.round((at - first.at) * 8))
      placed.push({ start, samples })
      ;[end, before] = [start + samples.length, at]
    }
    const all = new Int16Array(end)
    for (const { start, samples } of placed) all.set(samples, start)
    return { rate: 8_000, samples: all }
  }

  /** Has this tone been heard since then, for half a second at the end? */
  hearsTone(frequency: number, since: number): boolean {
    const last = lastSeconds(this.heard(since), 0.5)
    return last.samples.length >= 4_000 && loudness(last) > 300 && share(last, frequency) > 0.8
  }

  /** When the last sound came that is no silence (performance.now()); 0: none did. */
  get lastSoundAt(): number {
    return this.#heard.findLast(({ samples }) => loudness({ rate: 8_000, samples }) > 100)?.at ?? 0
  }

  /** It has been silent for half a second. */
  get isQuiet(): boolean {
    return performance.now() - this.lastSoundAt > 500
  }

  /** When the first such sound came since then. */
  firstSoundAt(since: number): number | undefined {
    return this.#heard.find(({ at, samples }) => at >= since && loudness({ rate: 8_000, samples }) > 100)?.at
  }

  /** Resolves when it was said. */
  async say(text: string, voice = 'rms'): Promise<void> {
    const speech = this.voice.tts().synthesize(text, { voice, signal: new AbortController().signal })
    await this.play(await collect(speech))
  }

  /** Resolves when it was played. */
  async play(what: Pcm): Promise<void> {
    const sound = toMulaw(resample(what, 8_000).samples)
    const since = performance.now()
    for (let at = 0; at + frame <= sound.length; at += frame) {
      this.socket.send(this.#packet(sound.subarray(at, at + frame), at === 0), this.port, '127.0.0.1')
      await delay(Math.max(0, since + (at + frame) / 8 - performance.now()))
    }
  }

  async hangup(): Promise<void> {
    await this.client.request('BYE', { ...this.dialog, cseq: 2 })
  }

  /** RFC 3550, with the time stamp of the wall clock: after a pause it has gone on. */
  #packet(sound: Uint8Array, first: boolean): Buffer {
    const head = Buffer.alloc(12)
    head[0] = 0x80
    head[1] = first ? 0x80 : 0
    head.writeUInt16BE(this.#packets++ % 65_536, 2)
    head.writeUInt32BE(Math.round((performance.now() - this.#began) * 8), 4)
    head.writeUInt32BE(4711, 8)
    return Buffer.concat([head, sound])
  }
}

/** How many channels are in the bridge whose name begins like this. */
export async function bridged({ ariUrl }: Stack, name: string): Promise<number> {
  const { origin, username, password } = new URL(ariUrl)
  const headers = { authorization: `Basic ${btoa(`${username}:${password}`)}` }
  const answer = await fetch(`${origin}/ari/bridges`, { headers })
  const bridges = (await answer.json()) as { id: string; channels: string[] }[]
  return bridges.find(({ id }) => id.startsWith(name))?.channels.length ?? 0
}

export interface TranscribeView {
  id: string
  reference_id: string
  status: string
  provider: string
  tm_end: string | null
}

export interface TranscriptView {
  direction: 'in' | 'out'
  message: string
  offset_ms: number
}

/** The customer's transcribes, the newest first. */
export async function transcribesOf(setup: Setup): Promise<TranscribeView[]> {
  return (await setup.api<{ result: TranscribeView[] }>('GET', '/transcribes')).body.result
}

/** What was said in a transcribe, in the order of its beginning. */
export async function transcriptsOf(setup: Setup, id: string): Promise<TranscriptView[]> {
  const { body } = await setup.api<{ result: TranscriptView[] }>('GET', `/transcripts?transcribe_id=${id}`)
  return body.result.sort((one, other) => one.offset_ms - other.offset_ms)
}

/** The words that were understood in one direction. */
export function wordsOf(said: readonly TranscriptView[], direction: 'in' | 'out'): string {
  const texts = said.filter((one) => one.direction === direction).map(({ message }) => message)
  return texts
    .join(' ')
    .toLowerCase()
    .replace(/[^a-z0-9 ]/g, '')
}
