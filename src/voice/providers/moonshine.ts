import { HashdialError } from '../../errors.ts'
import { checkModels } from '../models.ts'
import { toFloats } from '../pcm.ts'
import { resample } from '../resample.ts'
import type { Ear, Stt, SttEvent, SttOptions, Vad } from '../speech.ts'
import { Threads } from '../threads.ts'
import { listenByUtterance, type Transcribe } from '../utterances.ts'
import type { Provider, VoiceSettings } from './provider.ts'

/** Shorter sound holds no word, and the model makes one up. */
const shortestSamples = 1600

/** The offline transcriber, Moonshine tiny: English, 57–145 ms of a thread for an utterance. */
export class Moonshine implements Stt {
  #threads: Promise<Threads<Float32Array, string>> | undefined

  constructor(
    readonly settings: Pick<VoiceSettings, 'modelsFolder'>,
    readonly vad: Vad,
  ) {}

  check({ language }: Omit<SttOptions, 'signal'>): void {
    if (!language || /^en\b/i.test(language)) return
    const message = `moonshine understands English only; for ${language.slice(0, 20)} configure an OpenAI-compatible server`
    throw new HashdialError('INVALID_ARGUMENT', 'LANGUAGE_UNKNOWN', message)
  }

  async listen(on: (event: SttEvent) => void, options: SttOptions): Promise<Ear> {
    this.check(options)
    await this.#load()
    return listenByUtterance(this.vad, this.transcribe, on, options)
  }

  readonly transcribe: Transcribe = async (sound, { signal }) => {
    const threads = await this.#load()
    const { samples } = resample(sound, 16_000)
    return samples.length < shortestSamples ? '' : threads.run(toFloats(samples), signal)
  }

  async close(): Promise<void> {
    const threads = await this.#threads?.catch(() => undefined)
    await threads?.close()
  }

  #load(): Promise<Threads<Float32Array, string>> {
    if (!this.#threads) {
      const file = new URL('./moonshine-thread.ts', import.meta.url)
      this.#threads = checkModels(this.settings.modelsFolder).then(
        (data) => new Threads({ file, data, count: 1, jobSeconds: 30, waiting: 200 }),
      )
      this.#threads.catch(() => (this.#threads = undefined)) // they may be fetched while we run
    }
    return this.#threads
  }
}

export const moonshine: Provider = { stt: (settings, vad) => new Moonshine(settings, vad) }
