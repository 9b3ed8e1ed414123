import type { AnyAction, StepLike } from '../actions/action.ts'
import { hasVariables } from '../actions/variables.ts'
import { inTime } from '../database/write-behind.ts'
import type { Progress } from './activeflow.ts'

/** An action that the process may have died of so often is not run again. */
const deathsMax = 3

/** An action that the process has survived for so long is not what it dies of. */
const dangerMs = 200

/** Suspects run one after another: when the process dies again, it is known of which. */
let last: Promise<void> = Promise.resolve()

/**
 * Finds the action that takes the process down, of an activeflow that an earlier process died with: the one that was
 * stored as running, or one of those after it before whose beginning nothing is stored. Each of them is stored with the
 * number of deaths before it begins; where that is there still in the next process, it was this one.
 */
export class Trial {
  readonly #flow: Progress
  readonly #takenOver: boolean
  readonly #save: () => Promise<void>
  /** 0: what comes now has not been begun before. */
  #deaths: number
  #end: () => void = () => undefined

  /** `takenOver`: an earlier process had it when it died. */
  constructor(flow: Progress, takenOver: boolean, save: () => Promise<void>) {
    this.#flow = flow
    this.#takenOver = takenOver
    this.#save = save
    this.#deaths = takenOver ? (flow.state.deaths ?? 0) + 1 : 0
    delete flow.state.deaths
  }

  /**
   * To be asked before an action is stored and run; `again`: an earlier process has begun it. `free`: nothing is to be
   * done. `marked`: store it, call `watch` when it begins, and `end` when it is done.
   */
  async of(action: AnyAction, { option }: StepLike, again: boolean): Promise<'free' | 'marked' | 'refused'> {
    if (this.#deaths === 0) return 'free'
    const begunBefore = again || (this.#takenOver && this.#flow.state.executions === 1)
    if (!begunBefore && !action.sideEffectFree && !action.final) this.#deaths = 0 // it would have been stored
    if (this.#deaths === 0 || !(action.worksWithoutCaller || action.heavy || hasVariables(option))) return 'free'
    if (again && this.#deaths >= deathsMax) {
      this.#deaths = 1 // of what follows
      return 'refused'
    }
    // A process that is killed once was not taken down: all go on at once. Those that it died with again are suspects.
    if (this.#deaths > 1) {
      const before = last
      last = new Promise((resolve) => (this.#end = resolve))
      await before
    }
    this.#flow.state.deaths = this.#deaths
    return 'marked'
  }

  /**
   * The action begins. When nothing has happened after a moment it is not what the process dies of; the next on trial
   * begins when that is stored, for it could be the one.
   */
  watch(): void {
    const timer = setTimeout(() => {
      if (this.#flow.state.deaths === undefined) return
      delete this.#flow.state.deaths
      const saved = this.#save()
      void inTime(saved)
        .catch(() => false)
        .finally(this.#end)
    }, dangerMs)
    timer.unref()
  }

  end(): void {
    delete this.#flow.state.deaths
    this.#end()
  }
}
