import { open, type FileHandle } from 'node:fs/promises'
import { HashdialError } from '../errors.ts'
import { toBytes, type Pcm } from './pcm.ts'
import { Resampler } from './resample.ts'
import { wavHeader, wavHeaderBytes } from './wav.ts'

/** The file types: what Asterisk's format_wav opens by these extensions, and the Content-Type that means the same to it. */
export const promptTypes = {
  wav: { rate: 8000, type: 'audio/wav' },
  wav16: { rate: 16_000, type: 'audio/x-wav;codec=pcm;bit=16;rate=16000' },
} as const
export type PromptType = keyof typeof promptTypes
export type PromptPaths = Record<PromptType, string>

const types = Object.keys(promptTypes) as PromptType[]

/** So much is worked on at a time: a long piece of sound holds the event loop for a millisecond, as a short one does. */
const sliceSamples = 8_192

/**
 * Writes the sound into files that are there already, at the rate of each, while it comes. Answers how long it is, in
 * milliseconds. Used by the main process for speech, and beside it for the files of others.
 */
export async function writePrompt(
  paths: PromptPaths,
  sound: AsyncIterable<Pcm>,
  longestSeconds: number,
): Promise<number> {
  const files: PromptFile[] = []
  try {
    for (const type of types) files.push(await PromptFile.open(paths[type], promptTypes[type].rate))
    for await (const piece of sound) {
      for (const slice of slices(piece)) {
        for (const file of files) await file.add(slice)
        if (files[0]!.seconds > longestSeconds) {
          const message = `a prompt may last ${longestSeconds} s; this one is longer`
          throw new HashdialError('INVALID_ARGUMENT', 'PROMPT_TOO_LONG', message)
        }
      }
    }
    for (const file of files) await file.end()
    if (files[0]!.seconds === 0) throw new HashdialError('UNAVAILABLE', 'SPEECH_FAILED', 'the speech is empty')
    return files[0]!.seconds * 1000
  } finally {
    for (const file of files) await file.close()
  }
}

function* slices({ samples, rate }: Pcm): Generator<Pcm> {
  for (let at = 0; at < samples.length; at += sliceSamples)
    yield { samples: samples.subarray(at, at + sliceSamples), rate }
}

/** A WAV file that grows; its header is written when its length is known. */
class PromptFile {
  #resampler: Resampler | undefined
  #bytes = 0

  private constructor(
    readonly file: FileHandle,
    readonly rate: number,
  ) {}

  /** It must exist: one that was removed because nobody wants it any more does not come back. */
  static async open(path: string, rate: number): Promise<PromptFile> {
    return new PromptFile(await open(path, 'r+'), rate)
  }

  get seconds(): number {
    return this.#bytes / 2 / this.rate
  }

  async add({ samples, rate }: Pcm): Promise<void> {
    if (this.#resampler?.from !== rate) {
      if (this.#resampler) await this.#write(this.#resampler.end())
      this.#resampler = new Resampler(rate, this.rate)
    }
    await this.#write(this.#resampler.write(samples))
  }

  async end(): Promise<void> {
    if (this.#resampler) await this.#write(this.#resampler.end())
    await this.file.write(wavHeader(this.#bytes, this.rate), 0, wavHeaderBytes, 0)
  }

  close(): Promise<void> {
    return this.file.close()
  }

  async #write(samples: Int16Array): Promise<void> {
    const bytes = toBytes(samples)
    if (bytes.length > 0) await this.file.write(bytes, 0, bytes.length, wavHeaderBytes + this.#bytes)
    this.#bytes += bytes.length
  }
}
