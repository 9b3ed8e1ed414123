import type { Logger } from '../../log.ts'
import type { Stt, Tts, Vad } from '../speech.ts'

/** What the providers are given; each takes what it needs. */
export interface VoiceSettings {
  log: Logger
  /** Where the offline models are (`npm run models`); empty when there are none. */
  modelsFolder: string
  /** A server that speaks OpenAI’s /audio/speech and /audio/transcriptions, such as https://api.openai.com/v1; empty: none. */
  openaiUrl: string
  openaiKey: string
  openaiVoiceModel: string
  openaiTranscriptionModel: string
  /** WebSockets of services; without a key a service is not used. */
  deepgramUrl: string
  deepgramKey: string
  elevenlabsUrl: string
  elevenlabsKey: string
  cartesiaUrl: string
  cartesiaKey: string
}

/** One way to speak, to understand, or to tell speech from noise. Made when it is first asked for. */
export interface Provider {
  /** The languages that it speaks (ISO 639); none: its server knows. */
  speaks?: readonly string[]
  tts?: (settings: VoiceSettings) => Tts & Partial<Closable>
  stt?: (settings: VoiceSettings, vad: Vad) => Stt & Partial<Closable>
  vad?: (settings: VoiceSettings) => Vad & Partial<Closable>
}

export interface Closable {
  close(): Promise<void>
}
