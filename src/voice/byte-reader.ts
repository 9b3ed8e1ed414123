/** Takes bytes out of a stream in the portions that a format has. Each answers less only where the stream has ended. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #waiting: Buffer = Buffer.alloc(0)

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#chunks = bytes[Symbol.asyncIterator]()
  }

  async peek(count: number): Promise<Buffer> {
    while (this.#waiting.length < count) {
      const next = await this.#chunks.next()
      if (next.done) break
      this.#waiting = Buffer.concat([this.#waiting, next.value])
    }
    return this.#waiting.subarray(0, count)
  }

  /** For small counts: all of it is held in memory. */
  async read(count: number): Promise<Buffer> {
    const bytes = await this.peek(count)
    this.#waiting = this.#waiting.subarray(bytes.length)
    return bytes
  }

  /** The next so many bytes, as they come. */
  async *stream(count: number): AsyncGenerator<Buffer> {
    for (let left = count; left > 0;) {
      const piece =
        this.#waiting.length > 0 ? await this.read(Math.min(left, this.#waiting.length)) : await this.#next()
      if (!piece) return
      if (piece.length > left) this.#waiting = piece.subarray(left)
      const taken = piece.subarray(0, left)
      left -= taken.length
      if (taken.length > 0) yield taken
    }
  }

  async skip(count: number): Promise<void> {
    for await (const piece of this.stream(count)) void piece
  }

  /** The rest is not wanted. */
  async end(): Promise<void> {
    await this.#chunks.return?.()
  }

  async #next(): Promise<Buffer | undefined> {
    const next = await this.#chunks.next()
    if (next.done) return undefined
    return Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
  }
}
