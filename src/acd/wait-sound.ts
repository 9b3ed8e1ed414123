import { setTimeout as delay } from 'node:timers/promises'
import { cleanUp } from '../ari/connection.ts'
import type { Call } from '../calls/call.ts'
import type { StepLike } from '../calls/run.ts'

/** A list of actions that runs for a call beside what its flow does. */
export interface Beside {
  /** Resolves when it has ended, however that came; never rejects. */
  readonly done: Promise<void>
  /** Ends it. */
  cancel(): void
}

/** Runs such a list; the engine is above. `before` is waited for before each action. */
export type RunBeside = (
  call: Call,
  steps: readonly StepLike[],
  variables: Record<string, string>,
  before: () => Promise<void>,
) => Beside

/** A list that is over sooner is not begun again at once. */
const loopMs = 1_000

/** What a caller hears while they wait: music, and over it, in a loop, what the wait flow says. */
export class WaitSound {
  #isOver = false
  #running: Beside | undefined
  /** Nothing new is begun while the caller is being offered to somebody. */
  #quiet: Promise<void> | undefined
  #speak: () => void = () => undefined

  constructor(
    readonly call: Call,
    readonly runBeside: RunBeside,
    readonly variables: Record<string, string>,
  ) {}

  /** `steps` is asked before each round: position and wait are other ones by then. */
  start(steps: () => Promise<readonly StepLike[]>): void {
    void this.#music()
    this.#loop(steps).catch((err: unknown) => {
      if (!this.#isOver) this.call.log.warn({ err: err as Error }, 'what a caller hears while they wait has ended')
    })
  }

  hush(): void {
    this.#quiet ??= new Promise((resolve) => (this.#speak = resolve))
  }

  speak(): void {
    this.#speak()
    this.#quiet = undefined
  }

  /** Nothing of it is begun any more, and what is being said ends; the music ends with `stopMusic`. */
  stop(): void {
    this.#isOver = true
    this.speak()
    this.#running?.cancel()
  }

  stopMusic(): Promise<void> {
    const { channelId, node } = this.call
    return cleanUp([node.ari.channels.stopMoh({ channelId })])
  }

  async #loop(steps: () => Promise<readonly StepLike[]>): Promise<void> {
    while (!this.#isOver) {
      const begun = performance.now()
      const list = await steps()
      if (list.length === 0 || this.#isOver) return
      this.#running = this.runBeside(this.call, list, this.variables, () => this.#before())
      await this.#running.done
      if (this.#isOver) return
      await this.#music()
      await delay(Math.max(0, begun + loopMs - performance.now()))
    }
  }

  /** What is played to a channel ends its music, which does not come back by itself (Asterisk 22). */
  async #before(): Promise<void> {
    await this.#music()
    await this.#quiet
  }

  async #music(): Promise<void> {
    const { channelId, node } = this.call
    if (!this.#isOver) await cleanUp([node.ari.channels.startMoh({ channelId })])
  }
}
