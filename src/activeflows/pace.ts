import { setTimeout as delay } from 'node:timers/promises'

/** How many actions a flow may begin in a second before it is slowed down. */
const perSecond = 100

/** How many actions in a row may take no time at all: more is a loop that plays nothing and waits for nothing. */
const withoutTime = 1_000

/** An action that takes less than this, in milliseconds, neither plays nor waits. */
const moment = 20

/** Keeps a flow from spinning: a loop may run for hours in a queue, but not as fast as the machine can. */
export class Pace {
  #second = performance.now()
  #begun = 0
  #last = 0
  #idle = 0

  /** To be called before each action. Waits when there were too many, throws when it is a loop of nothing. */
  async keep(signal: AbortSignal): Promise<void> {
    const time = performance.now()
    this.#idle = time - this.#last < moment ? this.#idle + 1 : 0
    this.#last = time
    if (this.#idle > withoutTime) throw new Error(`the flow ran ${withoutTime} actions without playing or waiting`)
    if (time - this.#second > 1_000) {
      this.#second = time
      this.#begun = 0
    }
    if (++this.#begun <= perSecond) return
    await delay(1_000 - (time - this.#second), undefined, { signal }).catch(() => undefined)
    this.#last = performance.now()
  }
}
