import type { AriNode } from '../ari/connection.ts'

/** In milliseconds: how often an event is asked for, and how long it may take to come. */
const everyMs = 5_000
const lateMs = 5_000

/**
 * Do the events of an Asterisk come in? Its socket can be open and answer every request while they go elsewhere: so it is
 * asked for an event from time to time. One that does not come means a new connection.
 */
export class Probe {
  readonly #node: AriNode
  readonly #eventName: string
  #asked = -Infinity
  #came = 0
  #isWaiting = false

  constructor(node: AriNode, holder: string) {
    this.#node = node
    this.#eventName = `hashdial-probe-${holder}`
    node.on(this.#eventName, () => {
      this.#isWaiting = false
      this.#came = performance.now()
    })
  }

  get isSilent(): boolean {
    return this.#isWaiting && performance.now() - this.#asked > lateMs
  }

  /** To be called about once a second. */
  look(): void {
    if (!this.#node.connected) {
      this.#isWaiting = false
      return
    }
    const time = performance.now()
    if (this.isSilent) {
      this.#isWaiting = false
      this.#node.reconnect('an event that was asked for did not come')
    } else if (!this.#isWaiting && time - Math.max(this.#came, this.#asked) > everyMs) {
      this.#asked = time
      this.#isWaiting = true
      const application = this.#node.application
      const { events } = this.#node.ari
      // Whether it was refused or lost: the event does not come.
      events.userEvent({ eventName: this.#eventName, application }).catch(() => undefined)
    }
  }
}
