import { Aside } from '../aside.ts'
import { checkModels } from '../models.ts'
import { toFloats, type Pcm } from '../pcm.ts'
import { Resampler } from '../resample.ts'
import type { AudioSink, Vad, VadEvent, VadOptions } from '../speech.ts'
import type { Provider, VoiceSettings } from './provider.ts'
import type { SileroAnswer, SileroQuestion, SileroSettings } from './silero-process.ts'

/** In milliseconds. A process that ends sooner would end again. */
const shortestLife = 2000

/** Silero VAD v5, offline: 0.08 ms of a process for 32 ms of sound, all ears in one process. */
export class Silero implements Vad {
  readonly #ears = new Map<number, SileroEar>()
  #aside: Promise<Aside> | undefined
  #last = 0
  #closing = false

  constructor(readonly settings: Pick<VoiceSettings, 'log' | 'modelsFolder'>) {}

  async listen(on: (event: VadEvent) => void, { quick = false, signal }: VadOptions): Promise<AudioSink> {
    signal.throwIfAborted()
    const aside = await (this.#aside ??= this.#start())
    signal.throwIfAborted()
    const deafen = () => ear.deafen()
    const ear = new SileroEar(++this.#last, quick, aside, on, () => {
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
      ...{ model, threshold: 0.5, utteranceSeconds: 20 },
      usual: { silenceSeconds: 0.5, speechSeconds: 0.2 },
      // Measured with 45 human prompts: speech is told 130 ms after it began, and its end 320 ms after that; with 0.2 s of
      // speech it is told after 294 ms.
      quick: { silenceSeconds: 0.2, speechSeconds: 0.05 },
    }
    const aside = new Aside(file, data)
    aside.onMessage((answer) => {
      const { ear, event } = answer as SileroAnswer
      this.#ears.get(ear)?.tell(event)
    })
    const began = Date.now()
    aside.onEnd((err) => this.#ended(err, Date.now() - began > shortestLife))
    return aside
  }

  /** The ears go on in another process; what was being said counts as said. */
  #ended(err: Error, again: boolean): void {
    this.#aside = undefined
    const ears = [...this.#ears.values()]
    if (!this.#closing) this.settings.log.error({ err }, 'the process that detects speech failed')
    if (this.#closing || !again || ears.length === 0) return ears.forEach((ear) => ear.tell('closed'))
    this.#aside = this.#start()
    this.#aside.then(
      (aside) => {
        aside.hold(true)
        for (const ear of ears) ear.reopen(aside)
      },
      () => ears.forEach((ear) => ear.tell('closed')),
    )
  }
}

class SileroEar implements AudioSink {
  readonly #closed: Promise<void>
  #close: () => void = () => undefined
  #resampler: Resampler | undefined
  #heardMs = 0
  /** Where the times of this process begin. */
  #offsetMs = 0
  #began: number | undefined
  #closing = false

  constructor(
    readonly id: number,
    readonly quick: boolean,
    private aside: Aside,
    private on: (event: VadEvent) => void,
    readonly gone: () => void,
  ) {
    this.#closed = new Promise((resolve) => (this.#close = resolve))
    this.#send({ ear: id, ask: 'open', quick })
  }

  /** In a process that counts from its own beginning. */
  reopen(aside: Aside): void {
    if (this.#began !== undefined) this.#tell({ type: 'end', start_ms: this.#began, end_ms: this.#heardMs })
    this.aside = aside
    this.#offsetMs = this.#heardMs
    this.#send({ ear: this.id, ask: 'open', quick: this.quick })
    if (this.#closing) this.#send({ ear: this.id, ask: 'end' })
  }

  write({ samples, rate }: Pcm): void {
    if (this.#resampler?.from !== rate) this.#resampler = new Resampler(rate, 16_000)
    const heard = this.#resampler.write(samples)
    this.#heardMs += heard.length / 16
    if (heard.length > 0) this.#send({ ear: this.id, ask: 'hear', samples: toFloats(heard) })
  }

  close(): Promise<void> {
    this.#closing = true
    this.#send({ ear: this.id, ask: 'end' })
    return this.#closed
  }

  /** Nothing more is to be told. */
  deafen(): void {
    this.on = () => undefined
    void this.close()
  }

  tell(event: VadEvent | 'closed'): void {
    if (event !== 'closed') return this.#tell(later(event, this.#offsetMs))
    this.gone()
    this.#close()
  }

  #tell(event: VadEvent): void {
    if (event.type !== 'quiet') this.#began = event.type === 'start' ? event.at_ms : undefined
    this.on(event)
  }

  #send(question: SileroQuestion): void {
    this.aside.post(question)
  }
}

function later(event: VadEvent, ms: number): VadEvent {
  if (event.type === 'start') return { ...event, at_ms: event.at_ms + ms }
  if (event.type === 'quiet') return { ...event, until_ms: event.until_ms + ms }
  return { ...event, start_ms: event.start_ms + ms, end_ms: event.end_ms + ms }
}

export const silero: Provider = { vad: (settings) => new Silero(settings) }
