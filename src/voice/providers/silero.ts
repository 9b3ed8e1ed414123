import { Aside } from '../aside.ts'
import { checkModels } from '../models.ts'
import { toFloats, type Pcm } from '../pcm.ts'
import { Resampler } from '../resample.ts'
import type { Ear, Vad, VadEvent } from '../speech.ts'
import type { Provider, VoiceSettings } from './provider.ts'
import type { SileroAnswer, SileroQuestion, SileroSettings } from './silero-process.ts'

/** Silero VAD v5, offline: 0.08 ms of a process for 32 ms of sound, all ears in one process. */
export class Silero implements Vad {
  readonly #ears = new Map<number, SileroEar>()
  #aside: Promise<Aside> | undefined
  #last = 0
  #closing = false

  constructor(readonly settings: Pick<VoiceSettings, 'log' | 'modelsFolder'>) {}

  async listen(on: (event: VadEvent) => void, { signal }: { signal: AbortSignal }): Promise<Ear> {
    signal.throwIfAborted()
    const aside = await (this.#aside ??= this.#start())
    signal.throwIfAborted()
    const deafen = () => ear.deafen()
    const ear = new SileroEar(++this.#last, aside, on, () => {
      signal.removeEventListener('abort', deafen)
      this.#ears.delete(ear.id)
      if (this.#ears.size === 0) aside.hold(false) // idle, it keeps nobody alive
    })
    this.#ears.set(ear.id, ear)
    aside.hold(true)
    signal.addEventListener('abort', deafen, { once: true })
    return ear
  }

  async close(): Promise<void> {
    this.#closing = true
    const aside = await this.#aside?.catch(() => undefined)
    await aside?.end()
  }

  #start(): Promise<Aside> {
    const aside = this.#load()
    aside.catch(() => (this.#aside = undefined)) // the models may be fetched while we run
    return aside
  }

  async #load(): Promise<Aside> {
    const { 'silero_vad_v5.onnx': model } = await checkModels(this.settings.modelsFolder)
    const file = new URL('./silero-process.ts', import.meta.url)
    const data: SileroSettings = {
      model,
      threshold: 0.5,
      silenceSeconds: 0.5,
      speechSeconds: 0.2,
      utteranceSeconds: 20,
    }
    const aside = new Aside(file, data)
    aside.onMessage((answer) => {
      const { ear, event } = answer as SileroAnswer
      this.#ears.get(ear)?.tell(event)
    })
    aside.onEnd((err) => {
      if (!this.#closing) this.settings.log.error({ err }, 'the process that detects speech failed')
      this.#aside = undefined
      for (const ear of this.#ears.values()) ear.tell('closed')
    })
    return aside
  }
}

class SileroEar implements Ear {
  readonly #closed: Promise<void>
  #close: () => void = () => undefined
  #resampler: Resampler | undefined

  constructor(
    readonly id: number,
    readonly aside: Aside,
    private on: (event: VadEvent) => void,
    readonly gone: () => void,
  ) {
    this.#closed = new Promise((resolve) => (this.#close = resolve))
    this.#send({ ear: id, ask: 'open' })
  }

  write({ samples, rate }: Pcm): void {
    if (this.#resampler?.from !== rate) this.#resampler = new Resampler(rate, 16_000)
    const heard = this.#resampler.write(samples)
    if (heard.length > 0) this.#send({ ear: this.id, ask: 'hear', samples: toFloats(heard) })
  }

  close(): Promise<void> {
    this.#send({ ear: this.id, ask: 'end' })
    return this.#closed
  }

  /** Nothing more is to be told. */
  deafen(): void {
    this.on = () => undefined
    void this.close()
  }

  tell(event: VadEvent | 'closed'): void {
    if (event !== 'closed') return this.on(event)
    this.gone()
    this.#close()
  }

  #send(question: SileroQuestion): void {
    this.aside.post(question)
  }
}

export const silero: Provider = { vad: (settings) => new Silero(settings) }
