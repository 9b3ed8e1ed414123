import { HashdialError } from '../../errors.ts'
import { checkModels } from '../models.ts'
import { toFloats } from '../pcm.ts'
import { resample } from '../resample.ts'
import type { AudioSink, Stt, SttEvent, SttOptions, Vad } from '../speech.ts'
import { Pool } from '../pool.ts'
import { listenByUtterance, type Transcribe } from '../utterances.ts'
import type { Provider, VoiceSettings } from './provider.ts'

/** Shorter sound holds no word, and the model makes one up. */
const shortestSamples = 1600

/** The offline transcriber, Moonshine tiny: English, 57–145 ms of a process for an utterance. */
export class Moonshine implements Stt {
  #pool: Promise<Pool<Float32Array, string>> | undefined
  #warm: Promise<unknown> | undefined

  constructor(
    readonly settings: Pick<VoiceSettings, 'modelsFolder'>,
    readonly vad: Vad,
  ) {}

  check({ language }: Omit<SttOptions, 'signal'>): void {
    if (!language || /^en\b/i.test(language)) return
    const message = `moonshine understands English only; for ${language.slice(0, 20)} configure an OpenAI-compatible server`
    throw new HashdialError('INVALID_ARGUMENT', 'LANGUAGE_UNKNOWN', message)
  }

  async listen(on: (event: SttEvent) => void, options: SttOptions): Promise<AudioSink> {
    this.check(options)
    const pool = await this.#load()
    // Who interrupts a second later is not to wait for it: its first work takes longer than any other.
    if (options.quick) this.#warm ??= pool.run(new Float32Array(16_000), options.signal).catch(() => undefined)
    return listenByUtterance(this.vad, this.transcribe, on, options)
  }

  readonly transcribe: Transcribe = async (sound, { signal, owner }) => {
    const pool = await this.#load()
    const { samples } = resample(sound, 16_000)
    return samples.length < shortestSamples ? '' : pool.run(toFloats(samples), signal, owner)
  }

  async close(): Promise<void> {
    const pool = await this.#pool?.catch(() => undefined)
    await pool?.close()
  }

  #load(): Promise<Pool<Float32Array, string>> {
    if (!this.#pool) {
      const file = new URL('./moonshine-process.ts', import.meta.url)
      this.#pool = checkModels(this.settings.modelsFolder).then(
        (data) => new Pool({ file, data, count: 1, jobSeconds: 30, waiting: 200 }),
      )
      this.#pool.catch(() => (this.#pool = undefined)) // they may be fetched while we run
    }
    return this.#pool
  }
}

export const moonshine: Provider = { stt: (settings, vad) => new Moonshine(settings, vad) }
