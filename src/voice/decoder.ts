import { availableParallelism } from 'node:os'
import type { DecodeJob } from './decode-process.ts'
import { Pool } from './pool.ts'

/**
 * Makes prompts of the sound files of others, in processes beside ours: a long one takes seconds, and a broken one may
 * take a decoder with it.
 */
export class Decoder {
  readonly #pool = new Pool<DecodeJob, number>({
    file: new URL('./decode-process.ts', import.meta.url),
    data: undefined,
    count: Math.min(2, availableParallelism()),
    jobSeconds: 60,
    waiting: 500,
    work: 'the decoding of sounds',
  })

  /** Answers how long the sound is, in milliseconds; rejects with a HashdialError that says why it cannot be played. */
  decode(job: DecodeJob, signal: AbortSignal): Promise<number> {
    return this.#pool.run(job, signal)
  }

  warmUp(): void {
    this.#pool.warmUp()
  }

  close(): Promise<void> {
    return this.#pool.close()
  }
}
