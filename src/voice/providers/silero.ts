import type { Worker } from 'node:worker_threads'
import { checkModels } from '../models.ts'
import { toFloats, type Pcm } from '../pcm.ts'
import { Resampler } from '../resample.ts'
import type { Ear, Vad, VadEvent } from '../speech.ts'
import { startThread } from '../threads.ts'
import type { Provider, VoiceSettings } from './provider.ts'
import type { SileroAnswer, SileroQuestion, SileroSettings } from './silero-thread.ts'

/** Silero VAD v5, offline: 0.08 ms of a thread for 32 ms of sound, all ears in one thread. */
export class Silero implements Vad {
  readonly #ears = new Map<number, SileroEar>()
  #thread: Promise<Worker> | undefined
  #last = 0

  constructor(readonly settings: Pick<VoiceSettings, 'log' | 'modelsFolder'>) {}

  async listen(on: (event: VadEvent) => void, { signal }: { signal: AbortSignal }): Promise<Ear> {
    signal.throwIfAborted()
    const thread = await (this.#thread ??= this.#start())
    signal.throwIfAborted()
    const deafen = () => ear.deafen()
    const ear = new SileroEar(++this.#last, thread, on, () => {
      signal.removeEventListener('abort', deafen)
      this.#ears.delete(ear.id)
      if (this.#ears.size === 0) thread.unref() // idle, it keeps nobody alive
    })
    this.#ears.set(ear.id, ear)
    thread.ref()
    signal.addEventListener('abort', deafen, { once: true })
    return ear
  }

  async close(): Promise<void> {
    const thread = await this.#thread?.catch(() => undefined)
    await thread?.terminate()
  }

  #start(): Promise<Worker> {
    const thread = this.#load()
    thread.catch(() => (this.#thread = undefined)) // the models may be fetched while we run
    return thread
  }

  async #load(): Promise<Worker> {
    const { 'silero_vad_v5.onnx': model } = await checkModels(this.settings.modelsFolder)
    const file = new URL('./silero-thread.ts', import.meta.url)
    const data: SileroSettings = {
      model,
      threshold: 0.5,
      silenceSeconds: 0.5,
      speechSeconds: 0.2,
      utteranceSeconds: 20,
    }
    const thread = startThread(file, data)
    thread.on('message', ({ ear, event }: SileroAnswer) => this.#ears.get(ear)?.tell(event))
    thread.on('error', (err) => this.settings.log.error({ err: err }, 'the thread that detects speech failed'))
    thread.on('exit', () => {
      this.#thread = undefined
      for (const ear of this.#ears.values()) ear.tell('closed')
    })
    return thread
  }
}

class SileroEar implements Ear {
  readonly #closed: Promise<void>
  #close: () => void = () => undefined
  #resampler: Resampler | undefined

  constructor(
    readonly id: number,
    readonly thread: Worker,
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
    this.thread.postMessage(question)
  }
}

export const silero: Provider = { vad: (settings) => new Silero(settings) }
