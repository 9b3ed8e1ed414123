import type { DtmfBuffer } from '../calls/dtmf-buffer.ts'

/** So long after a key the next one belongs to it, in milliseconds; # ends them. */
const togetherMs = 1_500
const most = 64

/** What they are in what was said, and whether something that was said is that, and no words. */
export const pressed = (digits: string): string => `[pressed ${digits}]`
export const isPressed = (content: string): boolean => content.startsWith('[')

/** The keys that a caller presses, as one says them: together. */
export class Keys {
  #digits = ''
  #timer: NodeJS.Timeout | undefined
  readonly #off: () => void

  constructor(
    dtmf: DtmfBuffer,
    readonly on: { pressed(): void; entered(digits: string): void },
  ) {
    this.#off = dtmf.on((digit) => this.#press(digit))
  }

  end(): void {
    this.#off()
    clearTimeout(this.#timer)
  }

  #press(digit: string): void {
    this.on.pressed()
    clearTimeout(this.#timer)
    if (digit === '#' && this.#digits !== '') return this.#enter()
    this.#digits = (this.#digits + digit).slice(0, most)
    this.#timer = setTimeout(() => this.#enter(), togetherMs)
  }

  #enter(): void {
    const digits = this.#digits
    this.#digits = ''
    this.on.entered(digits)
  }
}
