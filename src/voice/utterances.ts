import { join, type Pcm } from './pcm.ts'
import { Resampler } from './resample.ts'
import type { AudioSink, SttEvent, SttOptions, Vad, VadEvent } from './speech.ts'

/** Understands one utterance, at 16 kHz. */
export type Transcribe = (sound: Pcm, options: Pick<SttOptions, 'language' | 'owner' | 'signal'>) => Promise<string>

const rate = 16_000
/** Sound before and after what the detector calls speech, for soft consonants. With more, models hear nothing in a short yes. */
const marginMs = 100
const interimMs = 1000
/** The first, in a conversation: is it a word that interrupts? */
const quickInterimMs = 350
/** Kept at most: a detector that lags behind further than this has stopped. */
const memoryMs = 60_000

/** Makes speech to text out of a detector, which finds the utterances, and something that understands one. */
export async function listenByUtterance(
  vad: Vad,
  transcribe: Transcribe,
  on: (event: SttEvent) => void,
  options: SttOptions,
): Promise<AudioSink> {
  const listener = new Listener(transcribe, on, options)
  listener.ear = await vad.listen((event) => listener.hear(event), options)
  return listener
}

class Listener implements AudioSink {
  ear!: AudioSink
  /** The sound since `#from`, in milliseconds of the whole. */
  #sound: Int16Array[] = []
  #from = 0
  #resampler: Resampler | undefined
  #speaking: { start_ms: number; next_ms: number } | undefined
  /** The order of what was said is kept, whatever is understood first. */
  #told: Promise<void> = Promise.resolve()
  #interim: Promise<void> | undefined

  constructor(
    readonly transcribe: Transcribe,
    readonly on: (event: SttEvent) => void,
    readonly options: SttOptions,
  ) {}

  write(sound: Pcm): void {
    if (this.options.signal.aborted) return
    if (this.#resampler?.from !== sound.rate) this.#resampler = new Resampler(sound.rate, rate)
    this.#sound.push(this.#resampler.write(sound.samples))
    this.ear.write(sound)
    const utterance = this.#speaking
    if (utterance && this.#heardMs() >= utterance.next_ms && this.#wantsInterim()) this.#tellInterim(utterance)
    this.#forget(this.#heardMs() - memoryMs)
  }

  async close(): Promise<void> {
    await this.ear.close()
    await this.#told
  }

  hear(event: VadEvent): void {
    if (event.type === 'start') {
      const first = this.options.quick ? quickInterimMs : interimMs
      this.#speaking = { start_ms: event.at_ms, next_ms: event.at_ms + first }
      this.#tell({ type: 'start', start_ms: event.at_ms })
    } else if (event.type === 'quiet') this.#forget(event.until_ms - marginMs)
    else {
      this.#speaking = undefined
      this.#tellFinal(event)
      this.#forget(event.end_ms - marginMs)
    }
  }

  #wantsInterim(): boolean {
    const { interim = false } = this.options
    return typeof interim === 'boolean' ? interim : interim()
  }

  #tell(event: SttEvent): void {
    this.#told = this.#told.then(() => this.#out(event))
  }

  #tellFinal({ start_ms, end_ms }: { start_ms: number; end_ms: number }): void {
    const isWanted = this.options.final?.() ?? true
    const text = isWanted ? this.#understand(start_ms, end_ms) : Promise.resolve('')
    const said = text.then(
      (words): SttEvent => ({ type: 'final', start_ms, end_ms, text: words }),
      (error: Error): SttEvent => ({ type: 'error', start_ms, end_ms, error }),
    )
    this.#told = this.#told.then(async () => this.#out(await said))
  }

  /** One at a time, and only as long as it is not overtaken by the end of the utterance. */
  #tellInterim(utterance: { start_ms: number; next_ms: number }): void {
    const { start_ms } = utterance
    const end_ms = this.#heardMs()
    utterance.next_ms = end_ms + interimMs
    this.#interim ??= this.#understand(start_ms, end_ms)
      .then((text) => {
        if (this.#speaking === utterance && text !== '') this.#tell({ type: 'interim', start_ms, end_ms, text })
      })
      .catch(() => undefined) // the final text is what counts
      .finally(() => (this.#interim = undefined))
  }

  #understand(start_ms: number, end_ms: number): Promise<string> {
    const all = join(this.#sound)
    const at = (ms: number) => Math.max(0, Math.round(((ms - this.#from) * rate) / 1000))
    const samples = all.slice(at(start_ms - marginMs), at(end_ms + marginMs))
    return this.transcribe({ samples, rate }, this.options)
  }

  #out(event: SttEvent): void {
    if (!this.options.signal.aborted) this.on(event)
  }

  #heardMs(): number {
    return this.#from + (this.#sound.reduce((sum, { length }) => sum + length, 0) * 1000) / rate
  }

  /** Drops whole pieces that lie before `ms`. */
  #forget(ms: number): void {
    for (let first = this.#sound[0]; first; first = this.#sound[0]) {
      const end = this.#from + (first.length * 1000) / rate
      if (end > ms) break
      this.#sound.shift()
      this.#from = end
    }
  }
}
