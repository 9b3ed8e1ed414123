import { join, type Pcm } from './pcm.ts'

/** Zero crossings of the filter on each side: 16 keeps what lies above the new half rate 60 dB down. */
const crossings = 16

/**
 * Changes the rate of a stream of sound: a polyphase low-pass of windowed sinc (Crochiere and Rabiner, Multirate Digital
 * Signal Processing). Written here because the packages of the Speex resampler never free what a stream took of their
 * memory. Between pieces the last samples are kept, so there is no click.
 */
export class Resampler {
  readonly #up: number
  readonly #down: number
  readonly #half: number
  readonly #phases: readonly Float32Array[]
  /** Samples not used up yet, the first of them at `#start` of the stream. */
  #input: Int16Array
  #start: number
  #next = 0

  constructor(
    readonly from: number,
    readonly to: number,
  ) {
    const divisor = gcd(from, to)
    this.#up = to / divisor
    this.#down = from / divisor
    const cutoff = Math.min(1, to / from) * 0.94
    this.#half = Math.ceil(crossings / cutoff)
    this.#phases = Array.from({ length: this.#up }, (_, phase) => taps(phase / this.#up, cutoff, this.#half))
    this.#start = -this.#half
    this.#input = new Int16Array(this.#half) // silence before the first sample
  }

  /** What is known of the new sound so far; it lags behind by half a filter, about 2 ms. */
  write(samples: Int16Array): Int16Array {
    if (this.from === this.to) return samples
    this.#input = join([this.#input, samples])
    const end = this.#start + this.#input.length - this.#half
    const count = Math.max(0, Math.ceil((end * this.#up) / this.#down) - this.#next)
    const output = new Int16Array(count)
    for (let index = 0; index < count; index++) output[index] = this.#sample(this.#next + index)
    this.#next += count
    const used = Math.floor((this.#next * this.#down) / this.#up) - this.#half - this.#start
    if (used > 0) {
      this.#input = this.#input.slice(used)
      this.#start += used
    }
    return output
  }

  /** The rest, when nothing follows. */
  end(): Int16Array {
    return this.from === this.to ? new Int16Array(0) : this.write(new Int16Array(this.#half))
  }

  #sample(index: number): number {
    const position = index * this.#down
    const phase = this.#phases[position % this.#up]!
    const first = Math.floor(position / this.#up) - this.#half + 1 - this.#start
    let sum = 0
    for (let tap = 0; tap < phase.length; tap++) sum += phase[tap]! * this.#input[first + tap]!
    return Math.max(-32768, Math.min(32767, Math.round(sum)))
  }
}

/** The sound at another rate, all at once. */
export function resample({ samples, rate }: Pcm, to: number): Pcm {
  const resampler = new Resampler(rate, to)
  return { samples: join([resampler.write(samples), resampler.end()]), rate: to }
}

/** The filter for an output that lies `offset` (0 to 1) of an input sample after one; their sum is 1, so that loudness stays. */
function taps(offset: number, cutoff: number, half: number): Float32Array {
  const values = Array.from({ length: 2 * half }, (_, tap) => {
    const distance = tap - half + 1 - offset
    return sinc(distance * cutoff) * window(distance / half)
  })
  const sum = values.reduce((total, value) => total + value, 0)
  return Float32Array.from(values, (value) => value / sum)
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)
}

/** Blackman’s. */
function window(x: number): number {
  return Math.abs(x) >= 1 ? 0 : 0.42 + 0.5 * Math.cos(Math.PI * x) + 0.08 * Math.cos(2 * Math.PI * x)
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}
