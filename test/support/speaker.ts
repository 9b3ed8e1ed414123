import type { ExecutionContext } from 'ava'
import { randomUUID } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { createLogger } from '../../src/log.ts'
import type { Stack } from '../../src/stack/stack.ts'
import { toMulaw } from '../../src/voice/mulaw.ts'
import { collect } from '../../src/voice/pcm.ts'
import { resample } from '../../src/voice/resample.ts'
import { Voice } from '../../src/voice/voice.ts'
import { sdp } from '../calls/support.ts'
import { contactOf, routes } from '../kamailio/edge.ts'
import { flow, type Short } from './flows.ts'
import type { Setup } from './setup.ts'
import { header, type RequestOptions, type SipClient } from './sip.ts'

const frame = 160

/** A caller who says what he is told, in the offline voice, and is silent otherwise: he sends nothing then. */
export class Speaker {
  readonly #began = performance.now()
  #packets = 0

  private constructor(
    readonly client: SipClient,
    readonly dialog: RequestOptions,
    readonly socket: Socket,
    /** Where Asterisk takes his sound. */
    readonly port: number,
    readonly voice: Voice,
  ) {}

  /** Calls a flow of these actions, which answers. */
  static async callFlow(t: ExecutionContext, setup: Setup, actions: readonly Short[]): Promise<Speaker> {
    const voice = new Voice({
      ...{ log: createLogger('silent'), modelsFolder: '', openaiUrl: '', openaiKey: '' },
      ...{ openaiVoiceModel: '', openaiTranscriptionModel: '' },
    })
    t.teardown(() => voice.close())
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    t.teardown(() => socket.close())
    const client = await setup.sip()
    const call = { uri: await flow(setup, actions), callId: randomUUID(), tag: 'caller' }
    const body = sdp('127.0.0.1', socket.address().port)
    const answer = await client.request('INVITE', { ...call, cseq: 1, body }, 10_000)
    if (answer.status !== 200) throw new Error(`the flow does not answer: ${answer.start}`)
    const dialog = { ...call, uri: contactOf(answer), extra: routes(answer, true), to: header(answer, 'to') }
    client.send(client.compose('ACK', { ...dialog, cseq: 1 }))
    const port = Number(/^m=audio (\d+)/m.exec(answer.body)?.[1])
    return new Speaker(client, dialog, socket, port, voice)
  }

  /** Resolves when it was said. */
  async say(text: string): Promise<void> {
    const speech = this.voice.tts().synthesize(text, { voice: 'rms', signal: new AbortController().signal })
    const sound = toMulaw(resample(await collect(speech), 8_000).samples)
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
