import { milliseconds, type Pcm } from '../voice/pcm.ts'
import type { AudioSink } from '../voice/speech.ts'

/** In milliseconds: less than `gap` is a packet that is late, and no gap; and how often is looked for one. */
const usual = { gap: 300, tick: 200 }
/** Where somebody waits for an answer: a device that sends nothing while it is silent must not have them wait for longer. */
const quick = { gap: 100, tick: 40 }
/** At most so much silence at once. */
const most = 10_000

/**
 * The sound of one direction of a call, as something that never pauses. A snoop channel gives nothing where nothing is
 * said: an ear would not hear that an utterance has ended, and its times would not be those of the call.
 */
export class GapFiller {
  readonly #begun = performance.now()
  readonly #timer: NodeJS.Timeout
  #heardMs = 0
  #last = this.#begun
  #rate = 16_000
  #closed: Promise<void> | undefined

  constructor(
    readonly sink: AudioSink,
    readonly isQuick = false,
  ) {
    // What has arrived while Node was busy is read before anything is missed.
    this.#timer = setInterval(() => setImmediate(() => this.#fill(0)), this.#pace.tick)
  }

  /** How much was heard, silence included. */
  get heardMs(): number {
    return this.#heardMs
  }

  write(sound: Pcm): void {
    if (this.#closed) return
    const length = milliseconds(sound)
    this.#fill(length)
    this.#rate = sound.rate
    this.#last = performance.now()
    this.#heardMs += length
    this.sink.write(sound)
  }

  /** What is being said counts as said; resolves when its last event is out. */
  close(): Promise<void> {
    clearInterval(this.#timer)
    return (this.#closed ??= this.sink.close())
  }

  get #pace(): typeof usual {
    return this.isQuick ? quick : usual
  }

  /** Silence where there was nothing; sound of `coming` milliseconds is about to follow. */
  #fill(coming: number): void {
    const time = performance.now()
    const missing = Math.min(time - this.#begun - this.#heardMs - coming, most)
    const { gap, tick } = this.#pace
    if (this.#closed || time - this.#last < gap || missing < tick / 2) return
    const samples = new Int16Array(Math.round((missing * this.#rate) / 1000))
    this.#heardMs += milliseconds({ samples, rate: this.#rate })
    this.sink.write({ samples, rate: this.#rate })
  }
}
