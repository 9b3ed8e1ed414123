import { mustHaveKey, parsed } from '../socket.ts'
import type { Pcm } from '../pcm.ts'
import type { Tts, TtsOptions } from '../speech.ts'
import { ContextSockets, type Contexts } from './contexts.ts'
import type { Provider, VoiceSettings } from './provider.ts'

type Settings = Pick<VoiceSettings, 'elevenlabsUrl' | 'elevenlabsKey'>

/** Rachel, whom every account has. */
const standard = '21m00Tcm4TlvDq8ikWAM'
const rate = 16_000

interface Message {
  audio: string | null
  isFinal: boolean | null
  contextId: string
  context_id: string
  error: unknown
}

/** ElevenLabs, over its multi-context WebSocket (`/v1/text-to-speech/{voice}/multi-stream-input`). */
export class ElevenLabs implements Tts {
  /** One for each voice: it is in the URL. */
  readonly #sockets = new ContextSockets()

  constructor(readonly settings: Settings) {}

  check(): void {
    mustHaveKey('elevenlabs', this.settings.elevenlabsKey) // its voices and languages are the service's to know
  }

  synthesize(text: string, { voice, signal }: TtsOptions): AsyncIterable<Pcm> {
    this.check()
    const id = voice || standard
    return this.#sockets.speak(id, () => this.#contexts(id), text, signal)
  }

  close(): Promise<void> {
    return this.#sockets.close()
  }

  #contexts(voice: string): Contexts {
    const query = `model_id=eleven_flash_v2_5&output_format=pcm_${rate}&auto_mode=true&inactivity_timeout=180`
    const url = `${this.settings.elevenlabsUrl}/v1/text-to-speech/${encodeURIComponent(voice)}/multi-stream-input?${query}`
    return {
      service: { name: 'elevenlabs', url, headers: { 'xi-api-key': this.settings.elevenlabsKey } },
      rate,
      // The first text of a context is a space, and each text ends with one.
      begin: (context_id, text) => [
        { text: ' ', context_id },
        { text: `${text.trim()} `, context_id, flush: true },
        { context_id, close_context: true },
      ],
      cancel: (context_id) => ({ context_id, close_context: true }),
      read(data) {
        const { audio, isFinal, contextId, context_id, error } = parsed<Message>(data)
        const id = contextId ?? context_id // both spellings occur
        return { ...(id && { id }), ...(audio && { audio }), isLast: isFinal === true, isError: error !== undefined }
      },
    }
  }
}

export const elevenlabs: Provider = { tts: (settings) => new ElevenLabs(settings) }
