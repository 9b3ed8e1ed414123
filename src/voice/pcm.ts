/** Sound: 16-bit samples of one channel, `rate` a second. */
export interface Pcm {
  readonly samples: Int16Array
  readonly rate: number
}

export function milliseconds({ samples, rate }: Pcm): number {
  return (samples.length * 1000) / rate
}

export function silence(rate: number, ms: number): Pcm {
  return { samples: new Int16Array(Math.round((rate * ms) / 1000)), rate }
}

/** Pieces of one rate as one. */
export function join(pieces: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

/** All the sound of a stream. */
export async function collect(stream: AsyncIterable<Pcm>): Promise<Pcm> {
  const pieces: Int16Array[] = []
  let rate = 8000
  for await (const piece of stream) {
    pieces.push(piece.samples)
    rate = piece.rate
  }
  return { samples: join(pieces), rate }
}

/** Little-endian bytes as samples; a copy, because a slice of a network buffer may begin at an odd address. */
export function fromBytes(bytes: Uint8Array): Int16Array {
  const copy = new Uint8Array(bytes.length & ~1)
  copy.set(bytes.subarray(0, copy.length))
  return new Int16Array(copy.buffer)
}

/** Samples as little-endian bytes, which is what all machines that run this have: no copy. */
export function toBytes({ buffer, byteOffset, byteLength }: Int16Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** As the neural models want it: -1 to 1. */
export function toFloats(samples: Int16Array): Float32Array {
  return Float32Array.from(samples, (sample) => sample / 32768)
}
