import type { Pcm } from './pcm.ts'

/** Sound that arrives, as something that is read on. */
export class SoundStream implements AsyncIterable<Pcm> {
  readonly #sound: Pcm[] = []
  #over: { error?: Error } | undefined
  #wake: () => void = () => undefined

  add(sound: Pcm): void {
    this.#sound.push(sound)
    this.#wake()
  }

  end(error?: Error): void {
    this.#over ??= error ? { error } : {}
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Pcm> {
    for (;;) {
      const next = this.#sound.shift()
      if (next) yield next
      else if (this.#over?.error) throw this.#over.error
      else if (this.#over) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
