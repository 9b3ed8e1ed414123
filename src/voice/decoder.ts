import { availableParallelism } from 'node:os'
import { HashdialError } from '../errors.ts'
import type { Decoded, DecodeJob } from './decode-process.ts'
import { Pool } from './pool.ts'

/**
 * Makes prompts of the sound files of others, in processes beside ours: a long one takes seconds, and a broken one may
 * take a decoder with it.
 */
export class Decoder {
  readonly #pool = new Pool<DecodeJob, Decoded>({
    file: new URL('./decode-process.ts', import.meta.url),
    data: undefined,
    // one core at least is left to the calls
    count: Math.max(1, Math.min(2, availableParallelism() - 1)),
    jobSeconds: 60,
    waiting: 500,
    work: 'the decoding of sounds',
  })

  /** Answers how long the sound is, in milliseconds; rejects with a HashdialError that says why it cannot be played. */
  async decode(job: DecodeJob, signal: AbortSignal, owner?: string): Promise<number> {
    const done = await this.#pool.run(job, signal, owner)
    if ('milliseconds' in done) return done.milliseconds
    throw new HashdialError('INVALID_ARGUMENT', 'SOUND_UNKNOWN', done.problem)
  }

  warmUp(): void {
    this.#pool.warmUp()
  }

  close(): Promise<void> {
    return this.#pool.close()
  }
}
