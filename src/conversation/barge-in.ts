import type { Pcm } from '../voice/pcm.ts'
import { isAcknowledgement, isInterruption } from './turn-end.ts'

/** So long after the first sound of speech it is decided whether it interrupts. */
const decisionMs = 600
/** Who has made no sound for so long has ended, though the detector of speech, which waits for more, does not say so yet. */
const quietMs = 120
const lookMs = 40
/** Beside the loudest, what has less than a tenth of it (20 dB) is no speech of theirs; the loudest fades in half a second. */
const part = 0.1
const fading = 0.96
/** Nothing below this is heard as speech (of 32768). */
const faintest = 60

interface Mouth {
  /** Silence at once, for now. */
  pause(): void
  /** Goes on with the next frame. */
  resume(): void
  /** What is being said is not wanted any more. */
  interrupt(): void
}

/**
 * Barge-in that hesitates. At the first sound of speech the AI falls silent; then a word that interrupts ("stop"), several
 * words, or speech that goes on interrupt it, and anything else does not: it goes on where it was. What is shorter than
 * the decision is a word or two, which no transcriber understands for sure: "mm-hm" may be read as anything.
 */
export class BargeIn {
  #timer: NodeJS.Timeout | undefined
  #isOn = false
  #text: string | undefined
  #loudest = 0
  #loudAt = 0

  constructor(readonly mouth: Mouth) {}

  /** What the caller sends, all of it, in pieces of some 20 ms. */
  hear({ samples }: Pcm): void {
    let sum = 0
    for (const sample of samples) sum += Math.abs(sample)
    const level = sum / Math.max(1, samples.length)
    this.#loudest = Math.max(level, this.#loudest * fading)
    if (level > this.#loudest * part && level > faintest) this.#loudAt = performance.now()
  }

  /** The caller begins to speak while the AI speaks. */
  speech(): void {
    if (this.#isOn) return
    this.#isOn = true
    this.#text = undefined
    this.mouth.pause()
    this.#timer = setTimeout(() => this.#decide(), decisionMs)
  }

  /** What they have said so far. */
  partial(text: string): void {
    if (!this.#isOn) return
    this.#text = text
    if (isInterruption(text)) this.#interrupt()
  }

  /** They fell silent, having said this. True: the AI talks on, and there is nothing to answer. */
  silence(text: string): boolean {
    if (!this.#isOn) return false
    if (isInterruption(text)) {
      this.#interrupt()
      return false
    }
    this.end()
    this.mouth.resume()
    return true
  }

  /** The AI has said all, or something else has interrupted it. */
  end(): void {
    clearTimeout(this.#timer)
    this.#isOn = false
  }

  /** Who has said no more than "mm-hm" by now, and goes on, may still interrupt. */
  #decide(): void {
    if (performance.now() - this.#loudAt > quietMs) {
      this.#timer = setTimeout(() => this.#decide(), lookMs)
      return
    }
    if (this.#text !== undefined && isAcknowledgement(this.#text)) this.mouth.resume()
    else this.#interrupt()
  }

  #interrupt(): void {
    this.end()
    this.mouth.interrupt()
  }
}
