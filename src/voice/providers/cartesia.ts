import { mustHaveKey, parsed } from '../socket.ts'
import type { Pcm } from '../pcm.ts'
import type { Tts, TtsOptions } from '../speech.ts'
import { ContextSockets, type Contexts } from './contexts.ts'
import type { Provider, VoiceSettings } from './provider.ts'

type Settings = Pick<VoiceSettings, 'cartesiaUrl' | 'cartesiaKey'>

/** Katie, whom the documentation takes for an example. */
const standard = 'f786b574-daa5-4673-aa0c-cbe3e8534c02'
const version = '2025-04-16'
const rate = 16_000

interface Message {
  type: string
  data: string
  done: boolean
  context_id: string
}

/** Cartesia, over its WebSocket (`/tts/websocket`). */
export class Cartesia implements Tts {
  readonly #sockets = new ContextSockets()

  constructor(readonly settings: Settings) {}

  check(): void {
    mustHaveKey('cartesia', this.settings.cartesiaKey)
  }

  synthesize(text: string, { voice, language, signal }: TtsOptions): AsyncIterable<Pcm> {
    this.check()
    const [base = ''] = (language ?? '').split('-')
    const key = `${voice ?? ''} ${base}`
    return this.#sockets.speak(key, () => this.#contexts(voice || standard, base), text, signal)
  }

  close(): Promise<void> {
    return this.#sockets.close()
  }

  #contexts(id: string, language: string): Contexts {
    const headers = { 'x-api-key': this.settings.cartesiaKey, 'cartesia-version': version }
    const common = {
      ...{ model_id: 'sonic-2', voice: { mode: 'id', id }, ...(language && { language }) },
      output_format: { container: 'raw', encoding: 'pcm_s16le', sample_rate: rate },
    }
    return {
      service: { name: 'cartesia', url: `${this.settings.cartesiaUrl}/tts/websocket`, headers },
      rate,
      begin: (context_id, transcript) => [{ ...common, context_id, transcript, continue: false }],
      cancel: (context_id) => ({ context_id, cancel: true }),
      read(data) {
        const { type, data: audio, done, context_id } = parsed<Message>(data)
        const isAudio = type === 'chunk' && audio
        return {
          ...(context_id && { id: context_id }),
          ...(isAudio && { audio }),
          isLast: done === true,
          isError: type === 'error',
        }
      },
    }
  }
}

export const cartesia: Provider = { tts: (settings) => new Cartesia(settings) }
