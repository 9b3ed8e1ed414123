import type { WebSocket } from 'ws'
import { milliseconds, toBytes, type Pcm } from '../pcm.ts'
import { Resampler } from '../resample.ts'
import { mustHaveKey, openSocket, parsed, serviceFailed } from '../socket.ts'
import type { AudioSink, Stt, SttEvent, SttOptions } from '../speech.ts'
import type { Provider, VoiceSettings } from './provider.ts'

type Settings = Pick<VoiceSettings, 'deepgramUrl' | 'deepgramKey'>

const rate = 16_000

/** Of v2 (Flux), which decides itself when a turn is over: English, or several languages. */
interface TurnInfo {
  type: 'TurnInfo' | 'Connected' | 'Error'
  event: 'StartOfTurn' | 'Update' | 'EagerEndOfTurn' | 'TurnResumed' | 'EndOfTurn'
  transcript: string
  audio_window_start: number
  audio_window_end: number
}

/** Of v1 (nova-3), for all other languages. */
interface Results {
  type: 'Results' | 'SpeechStarted' | 'UtteranceEnd' | 'Metadata'
  is_final: boolean
  speech_final: boolean
  start: number
  duration: number
  timestamp: number
  channel: { alternatives?: { transcript?: string }[] }
}

/** What Flux understands beside English. */
const several = ['es', 'de', 'fr', 'hi', 'ru', 'pt', 'ja', 'it', 'nl']

/** Deepgram, streamed: Flux (`/v2/listen`) where it knows the language, and else nova-3 (`/v1/listen`). */
export class Deepgram implements Stt {
  constructor(readonly settings: Settings) {}

  check(): void {
    mustHaveKey('deepgram', this.settings.deepgramKey)
  }

  async listen(on: (event: SttEvent) => void, options: SttOptions): Promise<AudioSink> {
    this.check()
    const { interim = false, signal } = options
    const [base = ''] = (options.language ?? '').toLowerCase().split('-')
    const isFlux = base === '' || base === 'en' || several.includes(base)
    const url = `${this.settings.deepgramUrl}${isFlux ? flux(base) : nova(base)}`
    const headers = { authorization: `Token ${this.settings.deepgramKey}` }
    const socket = await openSocket({ name: 'deepgram', url, headers }, signal)
    const wants = (event: SttEvent) => event.type !== 'interim' || (typeof interim === 'boolean' ? interim : interim())
    const tell = (event: SttEvent) => void (!signal.aborted && wants(event) && on(event))
    const sink = isFlux ? new FluxSink(socket, tell) : new NovaSink(socket, tell)
    socket.on('message', (data: Buffer) => sink.told(data))
    return sink
  }
}

function flux(language: string): string {
  const isEnglish = language === '' || language === 'en'
  const hint = isEnglish ? '' : `&language_hint=${language}`
  return `/v2/listen?model=flux-general-${isEnglish ? 'en' : 'multi'}&encoding=linear16&sample_rate=${rate}${hint}`
}

function nova(language: string): string {
  const how = 'interim_results=true&endpointing=200&vad_events=true&utterance_end_ms=1000&punctuate=true'
  return `/v1/listen?model=nova-3&language=${language}&encoding=linear16&sample_rate=${rate}&${how}`
}

/** What both have in common: sound goes out in binary messages, and the end of the connection is told. */
abstract class Sink implements AudioSink {
  #resampler: Resampler | undefined
  #closing = false
  protected heardMs = 0
  protected began: number | undefined

  constructor(
    readonly socket: WebSocket,
    readonly tell: (event: SttEvent) => void,
  ) {
    socket.on('close', () => {
      const at = this.began ?? this.heardMs
      const error = serviceFailed('deepgram', 'closed the connection')
      if (!this.#closing) tell({ type: 'error', start_ms: at, end_ms: this.heardMs, error })
    })
  }

  abstract told(data: Buffer): void

  write(sound: Pcm): void {
    if (this.#resampler?.from !== sound.rate) this.#resampler = new Resampler(sound.rate, rate)
    this.heardMs += milliseconds(sound)
    if (this.socket.readyState === 1) this.socket.send(toBytes(this.#resampler.write(sound.samples)))
  }

  /** It tells what it has, and closes. */
  async close(): Promise<void> {
    this.#closing = true
    if (this.socket.readyState !== 1) return
    const closed = new Promise((resolve) => this.socket.once('close', resolve))
    this.socket.send(JSON.stringify({ type: 'CloseStream' }))
    const timer = setTimeout(() => this.socket.terminate(), 2_000)
    await closed
    clearTimeout(timer)
  }

  protected start(at_ms: number): void {
    if (this.began !== undefined) return
    this.began = at_ms
    this.tell({ type: 'start', start_ms: at_ms })
  }

  protected interim(text: string): void {
    if (this.began !== undefined && text !== '')
      this.tell({ type: 'interim', start_ms: this.began, end_ms: this.heardMs, text })
  }

  protected final(text: string, end_ms: number, isTurn: boolean): void {
    if (this.began === undefined) return
    this.tell({ type: 'final', start_ms: this.began, end_ms, text, isTurn })
    this.began = undefined
  }
}

class FluxSink extends Sink {
  told(data: Buffer): void {
    const {
      type,
      event,
      transcript = '',
      audio_window_start: from = 0,
      audio_window_end: to = 0,
    } = parsed<TurnInfo>(data)
    if (type !== 'TurnInfo') return
    if (event === 'StartOfTurn') this.start(from * 1_000)
    if (event === 'EndOfTurn') this.final(transcript, to * 1_000, true)
    else this.interim(transcript)
  }
}

class NovaSink extends Sink {
  /** What is certain of an utterance that goes on. */
  #words: string[] = []
  #endMs = 0

  told(data: Buffer): void {
    const message = parsed<Results>(data)
    if (message.type === 'SpeechStarted') this.start((message.timestamp ?? 0) * 1_000)
    else if (message.type === 'UtteranceEnd') this.#finish()
    else if (message.type === 'Results') this.#understood(message)
  }

  #understood({ channel, is_final, speech_final, start = 0, duration = 0 }: Partial<Results>): void {
    const text = channel?.alternatives?.[0]?.transcript ?? ''
    if (text !== '') this.start(start * 1_000)
    if (is_final && text !== '') {
      this.#words.push(text)
      this.#endMs = (start + duration) * 1_000
    } else this.interim([...this.#words, text].join(' '))
    if (speech_final) this.#finish()
  }

  #finish(): void {
    const text = this.#words.join(' ')
    this.#words = []
    this.final(text, this.#endMs || this.heardMs, false)
  }
}

export const deepgram: Provider = { stt: (settings) => new Deepgram(settings) }
