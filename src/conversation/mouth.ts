import type { Media } from '../voice/media.ts'
import type { Utterance } from './utterance.ts'

interface Saying {
  readonly utterance: Utterance
  readonly end: AbortController
  /** It cannot be interrupted before (performance.now()). */
  readonly protectedUntil: number
  heard?: string
}

/** What the AI says at this moment, and how much of that the caller has heard. */
export class Mouth {
  media: Media | undefined
  #saying: Saying | undefined

  get speaks(): boolean {
    return this.#saying !== undefined
  }

  get isProtected(): boolean {
    return performance.now() <= (this.#saying?.protectedUntil ?? 0)
  }

  /** Resolves to what the caller has heard of it; `error`: why there is no more of it. */
  async say(utterance: Utterance, protectMs: number): Promise<{ heard: string; interrupted: boolean; error?: Error }> {
    const saying: Saying = { utterance, end: new AbortController(), protectedUntil: performance.now() + protectMs }
    this.#saying = saying
    try {
      await this.media!.say(utterance, saying.end.signal)
      return { heard: utterance.text, interrupted: false }
    } catch (error) {
      // Of a line that is gone what was sent is known, and that was heard.
      const heard = saying.heard ?? utterance.heard((await this.media?.position()) ?? 0)
      return { heard, interrupted: true, ...(!saying.end.signal.aborted && { error: error as Error }) }
    } finally {
      this.#saying = undefined
    }
  }

  pause(): void {
    this.media?.pause()
  }

  resume(): void {
    this.media?.resume()
  }

  /** Nobody hears any more of it. Answers how much was heard, in milliseconds; undefined: it says nothing, or is interrupted already. */
  async interrupt(): Promise<number | undefined> {
    const saying = this.#saying
    if (!saying || saying.heard !== undefined) return undefined
    saying.heard = ''
    this.pause()
    const ms = (await this.media?.position()) ?? 0
    saying.heard = saying.utterance.heard(ms)
    saying.end.abort()
    return ms
  }

  close(): void {
    this.#saying?.end.abort()
  }
}
