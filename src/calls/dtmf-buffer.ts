import type { AriEvent } from '../ari/types.ts'
import { RepeatedDigits } from './repeated-digits.ts'

/** How long a digit counts that was pressed while nothing listened: between two actions, not during a talk. */
const unheardMs = 3_000
const digitsMax = 100

/**
 * The one way of DTMF from Asterisk to whoever reads it: each digit is told to those who listen, and kept for the action
 * that reads the digits.
 */
export class DtmfBuffer {
  #pressed: { digit: string; time: number }[] = []
  readonly #repeated = new RepeatedDigits()
  readonly #listeners = new Set<(digit: string) => void>()

  /** Asterisk tells of a digit that has ended. */
  press({ digit = '', duration_ms: ms = 0, timestamp = '' }: AriEvent): void {
    if (!this.#repeated.isNew(digit, ms, Date.parse(timestamp) || Date.now())) return
    this.#pressed = [...this.#pressed, { digit, time: performance.now() }].slice(-digitsMax)
    for (const listener of this.#listeners) listener(digit)
  }

  /** Calls `listener` with each digit until the returned function is called. It takes none away. */
  on(listener: (digit: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The digits since an action began to listen (performance.now()), and from the moment before. */
  take(since: number): string {
    const from = Math.min(since, performance.now()) - unheardMs
    const digits = this.#pressed.filter(({ time }) => time >= from).map(({ digit }) => digit)
    this.#pressed = []
    return digits.join('')
  }

  /** Was a digit pressed since then (performance.now())? It stays for who takes it. */
  pressedSince(since: number): boolean {
    return this.#pressed.some(({ time }) => time >= since)
  }

  /** Digits that were one too many: the next action that listens has them first. */
  putBack(digits: string): void {
    const time = performance.now()
    this.#pressed = [...[...digits].map((digit) => ({ digit, time })), ...this.#pressed]
  }

  /** Resolves at the next digit, or at the deadline (performance.now()). Throws the signal's reason. */
  async change(signal: AbortSignal, deadline: number): Promise<void> {
    signal.throwIfAborted()
    let done = () => undefined as void
    const changed = new Promise<void>((resolve) => (done = resolve))
    const off = this.on(done)
    const timer = setTimeout(done, Math.max(0, deadline - performance.now()))
    signal.addEventListener('abort', done, { once: true })
    await changed
    off()
    clearTimeout(timer)
    signal.removeEventListener('abort', done)
    signal.throwIfAborted()
  }
}
