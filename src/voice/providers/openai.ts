import { HashdialError } from '../../errors.ts'
import { ask, failed, text, type Reply } from '../http.ts'
import { fromBytes, type Pcm } from '../pcm.ts'
import type { AudioSink, Stt, SttEvent, SttOptions, Tts, TtsOptions, Vad } from '../speech.ts'
import { listenByUtterance, type Transcribe } from '../utterances.ts'
import { readWav, wav, WavError } from '../wav.ts'
import type { Provider, VoiceSettings } from './provider.ts'

type Settings = Pick<VoiceSettings, 'openaiUrl' | 'openaiKey' | 'openaiVoiceModel' | 'openaiTranscriptionModel'>

const idleMs = 15_000
/** Ten minutes of sound at 48 kHz. */
const mostSound = 60_000_000
const mostText = 1_000_000
const longestText = 4096

abstract class OpenAI {
  constructor(
    readonly settings: Settings,
    /** How long the server may say nothing. */
    readonly idleMs: number,
  ) {}

  protected ask(path: string, request: RequestInit, signal: AbortSignal, maxBytes: number): Promise<Reply> {
    this.checkUrl()
    const { openaiKey } = this.settings
    const headers = { ...request.headers, ...(openaiKey && { authorization: `Bearer ${openaiKey}` }) }
    const init: RequestInit = { ...request, method: 'POST', headers }
    return ask(this.url(path), init, { signal, idleMs: this.idleMs, maxBytes })
  }

  protected url(path: string): string {
    return `${this.settings.openaiUrl.replace(/\/+$/, '')}/${path}`
  }

  protected checkUrl(): void {
    if (this.settings.openaiUrl !== '') return
    const message = 'no OpenAI-compatible speech server is configured: give its URL, such as https://api.openai.com/v1'
    throw new HashdialError('FAILED_PRECONDITION', 'SPEECH_NOT_CONFIGURED', message)
  }
}

/** Any server with OpenAI’s `POST /audio/speech`. WAV is asked for, because it tells its rate. */
export class OpenAITts extends OpenAI implements Tts {
  constructor(settings: Settings, idle = idleMs) {
    super(settings, idle)
  }

  check(): void {
    this.checkUrl() // its voices and languages are the server’s to know
  }

  async *synthesize(input: string, { voice, signal }: TtsOptions): AsyncGenerator<Pcm> {
    if (input.length > longestText) {
      const message = `the text has ${input.length} characters; the speech server takes ${longestText}`
      throw new HashdialError('INVALID_ARGUMENT', 'TEXT_TOO_LONG', message)
    }
    const body = { model: this.settings.openaiVoiceModel, input, voice: voice || 'alloy', response_format: 'wav' }
    const headers = { 'content-type': 'application/json' }
    const reply = await this.ask('audio/speech', { headers, body: JSON.stringify(body) }, signal, mostSound)
    try {
      yield* rawRate(reply.type) ? raw(reply) : readWav(reply.body)
    } catch (error) {
      if (!(error instanceof WavError)) throw error
      throw failed(this.url('audio/speech'), `sent ${reply.type || 'something'}, and not WAV: ${error.message}`)
    }
  }
}

/** Servers that know no WAV send their samples as they are, at OpenAI’s 24 kHz if they do not say more. */
function rawRate(type: string): number | undefined {
  if (!/^audio\/(pcm|l16)\b/i.test(type)) return undefined
  const rate = Number(/rate=(\d+)/i.exec(type)?.[1] ?? 24_000)
  return rate >= 8000 && rate <= 48_000 ? rate : 24_000
}

async function* raw({ type, body }: Reply): AsyncGenerator<Pcm> {
  let rest: Uint8Array = new Uint8Array(0)
  for await (const chunk of body) {
    const all = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    rest = all.subarray(all.length & ~1)
    yield { samples: fromBytes(all), rate: rawRate(type)! }
  }
}

/** Any server with OpenAI’s `POST /audio/transcriptions`: it is given one utterance at a time. */
export class OpenAIStt extends OpenAI implements Stt {
  constructor(
    settings: Settings,
    readonly vad: Vad,
    idle = idleMs,
  ) {
    super(settings, idle)
  }

  check(): void {
    this.checkUrl()
  }

  async listen(on: (event: SttEvent) => void, options: SttOptions): Promise<AudioSink> {
    this.checkUrl()
    return listenByUtterance(this.vad, this.transcribe, on, options)
  }

  readonly transcribe: Transcribe = async (sound, { language, signal }) => {
    const body = new FormData()
    body.set('file', new Blob([new Uint8Array(wav(sound))], { type: 'audio/wav' }), 'utterance.wav')
    body.set('model', this.settings.openaiTranscriptionModel)
    body.set('response_format', 'json')
    if (language) body.set('language', language.split('-')[0]!.toLowerCase()) // it wants ISO 639-1
    const reply = await this.ask('audio/transcriptions', { body }, signal, mostText)
    const answer = await text(reply.body)
    const said = textOf(answer)
    if (said !== undefined) return said.trim()
    throw failed(this.url('audio/transcriptions'), `sent no JSON with a text, but: ${answer.slice(0, 100)}`)
  }
}

function textOf(answer: string): string | undefined {
  try {
    const { text: said } = JSON.parse(answer) as { text?: unknown }
    return typeof said === 'string' ? said : undefined
  } catch {
    return undefined
  }
}

export const openai: Provider = {
  tts: (settings) => new OpenAITts(settings),
  stt: (settings, vad) => new OpenAIStt(settings, vad),
}
