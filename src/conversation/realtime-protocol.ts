import { fromMulaw, toMulaw } from '../voice/mulaw.ts'
import { fromBytes, toBytes, type Pcm } from '../voice/pcm.ts'
import { Resampler } from '../voice/resample.ts'
import type { Member } from './engine.ts'
import type { Said } from './llm.ts'
import { partsOf } from './llm-providers.ts'
import type { AiRow } from './row.ts'

/** ga: as OpenAI has it now; flat: as its beta had it, and as several servers still do. */
export type Dialect = 'ga' | 'flat'

/** The servers that speak OpenAI's Realtime protocol, as far as a provider is in one place. */
export const realtimeProviders: Readonly<Record<string, { url: string; dialect: Dialect; audio: Audio }>> = {
  openai: { url: 'wss://api.openai.com/v1/realtime', dialect: 'ga', audio: 'pcmu' },
  xai: { url: 'wss://api.x.ai/v1/realtime', dialect: 'flat', audio: 'pcmu' },
  /** Azure, Qwen, LocalAI, vLLM: wherever `engine_url` says, in the `dialect` and with the `audio` of `parameter`. */
  custom: { url: '', dialect: 'ga', audio: 'pcm24' },
}

/** pcmu: µ-law, 8 kHz; pcm24 and pcm16: 16 bits at 24 or 16 kHz. */
export type Audio = 'pcmu' | 'pcm24' | 'pcm16'

const rates = { pcmu: 8_000, pcm24: 24_000, pcm16: 16_000 } as const

/** How one AI's server is talked to. */
export interface Speech {
  readonly url: string
  readonly dialect: Dialect
  readonly audio: Audio
  /** The server decides when a turn is over, and answers by itself. */
  readonly serverTurns: boolean
}

export function speechOf({ engine_model, engine_url, parameter }: AiRow): Speech {
  const { provider, model } = partsOf(engine_model)
  const known = realtimeProviders[provider] ?? realtimeProviders.custom!
  const given = parameter as { dialect?: Dialect; audio?: Audio; server_turns?: boolean }
  const url = new URL((engine_url || known.url).replace(/^http/, 'ws'))
  url.searchParams.set('model', model)
  const { dialect = known.dialect, audio = known.audio, server_turns: serverTurns = provider === 'xai' } = given
  return { url: url.href, dialect, audio, serverTurns }
}

/** What the session is to be like, as `session.update` has it. */
export function sessionOf({ ai, prompt, tools }: Member, { dialect, audio, serverTurns }: Speech): object {
  const { temperature } = ai.parameter as { temperature?: number }
  const list = tools.map(({ name, description, parameters }) => ({ type: 'function', name, description, parameters }))
  const common = { instructions: prompt, tools: list, tool_choice: 'auto', ...(temperature && { temperature }) }
  const language = ai.stt_language.split('-')[0]
  const own = serverTurns ? {} : { create_response: false, interrupt_response: false }
  const turn_detection = { type: 'server_vad', ...own }
  const voice = ai.tts_voice_id ? { voice: ai.tts_voice_id } : {}
  if (dialect === 'ga') {
    const format = audio === 'pcmu' ? { type: 'audio/pcmu' } : { type: 'audio/pcm', rate: rates[audio] }
    const transcription = { model: 'gpt-4o-mini-transcribe', ...(language && { language }) }
    const input = { format, transcription, turn_detection }
    return { type: 'realtime', output_modalities: ['audio'], ...common, audio: { input, output: { format, ...voice } } }
  }
  const format = audio === 'pcmu' ? 'g711_ulaw' : 'pcm16'
  return {
    ...{ modalities: ['audio', 'text'], ...common, ...voice, turn_detection },
    ...{ input_audio_format: format, output_audio_format: format },
    input_audio_transcription: { model: 'whisper-1' },
  }
}

/** What was said before, as an item; what tools did is left out, for only the session that called them knows it. */
export function itemOf({ role, content }: Said): object | undefined {
  if (role === 'tool' || content === '') return undefined
  const type = role === 'user' ? 'input_text' : 'output_text'
  return { type: 'message', role, content: [{ type, text: content }] }
}

/** The names of the beta for those of today. */
const older: Readonly<Record<string, string>> = {
  'response.audio.delta': 'response.output_audio.delta',
  'response.audio.done': 'response.output_audio.done',
  'response.audio_transcript.delta': 'response.output_audio_transcript.delta',
  'response.audio_transcript.done': 'response.output_audio_transcript.done',
  'conversation.item.created': 'conversation.item.added',
}

/** What is used of the events of a server; nothing of it is certain. */
export interface ServerEvent {
  type: string
  event_id?: string
  item_id?: string
  response_id?: string
  delta?: string
  transcript?: string
  item?: { id?: string; type?: string; status?: string; name?: string; call_id?: string; arguments?: string }
  response?: {
    id?: string
    status?: string
    metadata?: Record<string, string> | null
    status_details?: { error?: ServerError }
  }
  error?: ServerError
}

export interface ServerError {
  type?: string
  code?: string
  event_id?: string
}

export function parseEvent(data: string): ServerEvent | undefined {
  try {
    const event = JSON.parse(data) as ServerEvent
    return typeof event.type === 'string' ? { ...event, type: older[event.type] ?? event.type } : undefined
  } catch {
    return undefined
  }
}

/** Sound as base64 of what the server takes, and back. */
export class Codec {
  readonly #rate: number
  #in: Resampler | undefined

  constructor(readonly audio: Audio) {
    this.#rate = rates[audio]
  }

  encode({ samples, rate }: Pcm): string {
    if (this.#in?.from !== rate) this.#in = rate === this.#rate ? undefined : new Resampler(rate, this.#rate)
    const sound = this.#in ? this.#in.write(samples) : samples
    return Buffer.from(this.audio === 'pcmu' ? toMulaw(sound) : toBytes(sound)).toString('base64')
  }

  decode(base64: string): Pcm {
    const bytes = Buffer.from(base64, 'base64')
    return { samples: this.audio === 'pcmu' ? fromMulaw(bytes) : fromBytes(bytes), rate: this.#rate }
  }
}
