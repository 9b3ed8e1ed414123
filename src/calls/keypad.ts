import type { AriEvent } from '../ari/types.ts'
import { Presses } from './presses.ts'

/** How long a key counts that was pressed while nothing listened, in milliseconds: between two actions, not during a talk. */
const moment = 3_000
const most = 100

/** The keys that the caller has pressed and no action has read yet. */
export class Keypad {
  #pressed: { key: string; time: number }[] = []
  readonly #presses = new Presses()
  /** How many keys were pressed since the call began. */
  count = 0

  /** Asterisk tells of a key that has ended. */
  press({ digit: key = '', duration_ms: ms = 0, timestamp = '' }: AriEvent): void {
    if (!this.#presses.isNew(key, ms, Date.parse(timestamp) || Date.now())) return
    this.count++
    this.#pressed = [...this.#pressed, { key, time: performance.now() }].slice(-most)
  }

  /** The keys since an action began to listen (performance.now()), and from the moment before. */
  take(since: number): string {
    const from = Math.min(since, performance.now()) - moment
    const keys = this.#pressed.filter(({ time }) => time >= from).map(({ key }) => key)
    this.#pressed = []
    return keys.join('')
  }

  /** Was a key pressed since then (performance.now())? It stays for who takes it. */
  pressedSince(since: number): boolean {
    return this.#pressed.some(({ time }) => time >= since)
  }

  /** Keys that were one too many: the next action that listens has them first. */
  putBack(keys: string): void {
    const time = performance.now()
    this.#pressed = [...[...keys].map((key) => ({ key, time })), ...this.#pressed]
  }
}
