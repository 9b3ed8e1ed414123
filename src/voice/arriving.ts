/** What arrives piece by piece, for one who reads it on. */
export class Arriving<T> implements AsyncIterable<T> {
  readonly #pieces: T[] = []
  #over: { error?: unknown } | undefined
  #wake: () => void = () => undefined

  add(piece: T): void {
    this.#pieces.push(piece)
    this.#wake()
  }

  /** That was all of it. */
  end(): void {
    this.#over ??= {}
    this.#wake()
  }

  /** There will be no more of it: who has read what there is, is told why. */
  fail(error: unknown): void {
    this.#over ??= { error }
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      if (this.#pieces.length > 0) yield this.#pieces.shift()!
      else if (!this.#over) await new Promise<void>((resolve) => (this.#wake = resolve))
      else if ('error' in this.#over) throw this.#over.error
      else return
    }
  }
}
