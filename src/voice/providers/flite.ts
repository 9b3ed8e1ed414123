import { availableParallelism } from 'node:os'
import { HashdialError } from '../../errors.ts'
import { fromBytes, type Pcm } from '../pcm.ts'
import { sentences } from '../sentences.ts'
import type { Tts, TtsOptions } from '../speech.ts'
import { Pool } from '../pool.ts'
import type { FliteJob } from './flite-process.ts'
import type { Provider } from './provider.ts'

const standard = 'slt'
const voices = [standard, 'rms', 'awb', 'kal', 'kal16']
/** Its header is always this long; the sizes in it are wrong for some voices. */
const wavHeader = 44

/** The built-in voice: English, offline, 16–620 ms a sentence. */
export class Flite implements Tts {
  readonly #pool = new Pool<FliteJob, Uint8Array>({
    file: new URL('./flite-process.ts', import.meta.url),
    data: undefined,
    count: Math.min(2, availableParallelism()),
    jobSeconds: 30,
    waiting: 500,
  })

  check({ voice, language }: Omit<TtsOptions, 'signal'>): void {
    if (voice && !voices.includes(voice)) {
      throw new HashdialError('INVALID_ARGUMENT', 'VOICE_UNKNOWN', `flite has the voices ${voices.join(', ')}`)
    }
    if (language && !/^en\b/i.test(language)) {
      const message = `flite speaks English only; for ${language.slice(0, 20)} configure an OpenAI-compatible speech server`
      throw new HashdialError('INVALID_ARGUMENT', 'LANGUAGE_UNKNOWN', message)
    }
  }

  async *synthesize(text: string, options: TtsOptions): AsyncGenerator<Pcm> {
    this.check(options)
    const voice = options.voice || standard
    const own = new AbortController() // what was begun ahead is not needed when nobody reads on
    const signal = AbortSignal.any([options.signal, own.signal])
    const speak = (piece: string | undefined) => {
      const speech = piece === undefined ? undefined : this.#pool.run({ text: piece, voice }, signal, options.owner)
      speech?.catch(() => undefined) // it is awaited a turn later
      return speech
    }
    try {
      const pieces = sentences(pronounceable(text))
      if (pieces.length === 0)
        throw new HashdialError('INVALID_ARGUMENT', 'TEXT_EMPTY', 'there is nothing to say in the text')
      let ahead = speak(pieces[0])
      for (let index = 1; ahead; index++) {
        const speech = ahead
        ahead = speak(pieces[index])
        const file = Buffer.from(await speech)
        signal.throwIfAborted() // it may have been ready long before
        yield { samples: fromBytes(file.subarray(wavHeader)), rate: file.readUInt32LE(24) }
      }
    } finally {
      own.abort()
    }
  }

  warmUp(): void {
    this.#pool.warmUp()
  }

  close(): Promise<void> {
    return this.#pool.close()
  }
}

/** flite reads bytes as ASCII: accents go, and what is left over becomes a pause. */
function pronounceable(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[‘’]/g, "'")
    .replace(/[^\n\x20-\x7e]+/g, ' ')
}

export const flite: Provider = { tts: () => new Flite(), speaks: ['en'] }
