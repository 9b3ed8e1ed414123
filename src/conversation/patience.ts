import type { AiRow } from './row.ts'

/** Without prompts, so long a caller may say nothing at all, in milliseconds. */
const longestSilence = 60_000

/** What becomes of a caller who says nothing: a prompt each time, and after the last of them the end. */
export class Patience {
  #timer: NodeJS.Timeout | undefined
  #prompts = 0

  constructor(
    readonly ai: () => AiRow,
    readonly say: (prompt: string | undefined) => void,
  ) {}

  /** Nobody speaks. */
  begin(): void {
    clearTimeout(this.#timer)
    const { silence_prompts: prompts, vad_config } = this.ai()
    const isLast = this.#prompts >= prompts.length
    // Who was told goodbye need not wait for the end.
    const wait = prompts.length === 0 ? longestSilence : isLast ? 500 : vad_config.silence
    this.#timer = setTimeout(() => this.say(prompts[this.#prompts++]), wait)
  }

  /** Somebody does. */
  end(): void {
    clearTimeout(this.#timer)
  }

  /** The caller has said something. */
  reset(): void {
    this.end()
    this.#prompts = 0
  }
}
