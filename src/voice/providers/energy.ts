import { join, type Pcm } from '../pcm.ts'
import type { AudioSink, Vad, VadEvent } from '../speech.ts'
import type { Provider } from './provider.ts'

const frameMs = 20
/** So much louder than the quiet between the words is speech; 3.2 is 10 dB. */
const louder = 3.2
/** Nothing below this is speech, however quiet the line is (of 32768, about -44 dB). */
const faintest = 200
const speechFrames = 8
const silenceFrames = 30
const longestFrames = 1000

/** Detects speech by its loudness: needs no model, and takes any loud noise for speech. */
export class Energy implements Vad {
  async listen(on: (event: VadEvent) => void, { signal }: { signal: AbortSignal }): Promise<AudioSink> {
    signal.throwIfAborted()
    return new EnergyEar((event) => {
      if (!signal.aborted) on(event)
    })
  }
}

class EnergyEar implements AudioSink {
  #rest: Int16Array = new Int16Array(0)
  #frame = 0
  #quiet = faintest / louder
  /** Frames in a row that are loud, before speech has begun; that are not, in speech. */
  #row = 0
  #began: number | undefined

  constructor(readonly on: (event: VadEvent) => void) {}

  write({ samples, rate }: Pcm): void {
    const length = (rate * frameMs) / 1000
    const all = join([this.#rest, samples])
    let at = 0
    for (; at + length <= all.length; at += length) this.#hear(loudness(all.subarray(at, at + length)))
    this.#rest = all.slice(at)
  }

  async close(): Promise<void> {
    if (this.#began !== undefined) this.#end(this.#frame)
  }

  #hear(level: number): void {
    this.#frame++
    const loud = level > Math.max(faintest, this.#quiet * louder)
    // Down at once, up slowly: the pauses between words show how quiet the line is.
    this.#quiet = level < this.#quiet ? level : this.#quiet * 1.005
    if (this.#began === undefined) {
      this.#row = loud ? this.#row + 1 : 0
      if (this.#row >= speechFrames) this.#begin()
      else if (this.#frame % 50 === 0) this.on({ type: 'quiet', until_ms: (this.#frame - speechFrames) * frameMs })
      return
    }
    this.#row = loud ? 0 : this.#row + 1
    if (this.#row >= silenceFrames) this.#end(this.#frame - this.#row)
    else if (this.#frame - this.#began >= longestFrames) this.#end(this.#frame)
  }

  #begin(): void {
    this.#began = this.#frame - this.#row
    this.#row = 0
    this.on({ type: 'start', at_ms: this.#began * frameMs })
  }

  #end(frame: number): void {
    this.on({ type: 'end', start_ms: this.#began! * frameMs, end_ms: frame * frameMs })
    this.#began = undefined
    this.#row = 0
  }
}

function loudness(frame: Int16Array): number {
  return Math.sqrt(frame.reduce((sum, sample) => sum + sample * sample, 0) / frame.length)
}

export const energy: Provider = { vad: () => new Energy() }
