import type { AriNode } from './connection.ts'
import type { AriEvent } from './types.ts'

/**
 * The events of some channels, playbacks or recordings, in their order, for a routine that reads them one by one.
 * Make it before the request whose events it is for, and no event is missed. Close it when done.
 */
export class Inbox {
  readonly #node: AriNode
  readonly #signal: AbortSignal
  readonly #events: AriEvent[] = []
  readonly #off: (() => void)[] = []
  #wake: (() => void) | undefined

  constructor(node: AriNode, signal: AbortSignal, ...ids: string[]) {
    this.#node = node
    this.#signal = signal
    for (const id of ids) this.watch(id)
  }

  watch(id: string): void {
    this.#off.push(this.#node.on(id, (event) => this.push(event)))
  }

  /** Puts in something else that the routine has to know at its place in the order. */
  push(event: AriEvent): void {
    this.#events.push(event)
    this.#wake?.()
  }

  /**
   * The next event; `undefined` when `deadline` (milliseconds, performance.now()) has passed.
   * Throws the signal's reason when it is aborted.
   */
  async next(deadline = Infinity): Promise<AriEvent | undefined> {
    for (;;) {
      this.#signal.throwIfAborted()
      const event = this.#events.shift()
      if (event) return event
      const left = deadline - performance.now()
      if (left <= 0) return undefined
      await this.#change(left)
    }
  }

  close(): void {
    for (const off of this.#off) off()
  }

  async #change(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      this.#signal.addEventListener('abort', this.#aborted, { once: true })
      if (milliseconds < 2 ** 31) timer = setTimeout(resolve, milliseconds)
    })
    this.#wake = undefined
    clearTimeout(timer)
    this.#signal.removeEventListener('abort', this.#aborted)
  }

  readonly #aborted = () => this.#wake?.()
}
