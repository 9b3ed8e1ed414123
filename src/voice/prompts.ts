import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto'
import { link, mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join as path } from 'node:path'
import { HashdialError } from '../errors.ts'
import { join, milliseconds, type Pcm } from './pcm.ts'
import { Resampler } from './resample.ts'
import { Shared } from './shared.ts'
import { wav } from './wav.ts'

export interface PromptsOptions {
  folder: string
  /** How much the folder may hold; what was not used for the longest time goes first. */
  bytes: number
  /** A prompt that was used so recently stays, because an Asterisk may be about to fetch it. */
  graceSeconds?: number
  /** Longer sound is refused. */
  longestSeconds?: number
}

/** What makes two prompts the same. */
export interface Spoken {
  provider: string
  voice?: string | undefined
  language?: string | undefined
  text: string
}

export interface Prompt {
  /** Its name: 64 hex digits that nobody can guess, not even from the text. */
  key: string
  milliseconds: number
}

/** The file types: what Asterisk's format_wav opens by these extensions, and the Content-Type that means the same to it. */
export const promptTypes = {
  wav: { rate: 8000, type: 'audio/wav' },
  wav16: { rate: 16_000, type: 'audio/x-wav;codec=pcm;bit=16;rate=16000' },
} as const
export type PromptType = keyof typeof promptTypes

const types = Object.keys(promptTypes) as PromptType[]
const secretFile = 'secret'

/** Sound that was made once, by its content: two files each, for any Asterisk to fetch from us over HTTP. */
export class Prompts {
  /** Bytes and last use of each; the order is the order of use. */
  readonly #known = new Map<string, { bytes: number; used: number }>()
  readonly #making = new Shared<Prompt>()
  #bytes = 0

  private constructor(
    readonly options: Required<PromptsOptions>,
    readonly secret: Buffer,
  ) {}

  static async open(options: PromptsOptions): Promise<Prompts> {
    await mkdir(options.folder, { recursive: true })
    const prompts = new Prompts({ graceSeconds: 120, longestSeconds: 600, ...options }, await secretIn(options.folder))
    await prompts.#load()
    return prompts
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The prompt; `make` is called only when it is not there and nobody is making it. */
  async get(spoken: Spoken, make: (signal: AbortSignal) => AsyncIterable<Pcm>, signal: AbortSignal): Promise<Prompt> {
    signal.throwIfAborted()
    const key = this.#key(spoken)
    const file = await this.find(key, 'wav')
    if (file) return { key, milliseconds: ((await stat(file)).size - 44) / 16 }
    return this.#making.get(key, (all) => this.#make(key, make(all)), signal)
  }

  /** The file of a prompt, for the HTTP server; undefined when there is none. */
  async find(key: string, type: PromptType): Promise<string | undefined> {
    const known = this.#known.get(key) ?? (await this.#adopt(key))
    if (!known) return undefined
    const now = Date.now()
    this.#known.delete(key)
    this.#known.set(key, { ...known, used: now })
    const file = this.#file(key, type)
    // The order of use outlives a restart as the time of the file; a minute is exact enough.
    if (now - known.used < 60_000) return file
    const there = await utimes(this.#file(key, 'wav'), now / 1000, now / 1000).then(
      () => true,
      () => false,
    )
    if (there) return file
    this.#forget(key)
    return undefined
  }

  /** A prompt that another process has made in the same folder. */
  async #adopt(key: string): Promise<{ bytes: number; used: number } | undefined> {
    if (!/^[0-9a-f]{64}$/.test(key)) return undefined
    const files = await Promise.all(types.map((type) => stat(this.#file(key, type)).catch(() => undefined)))
    if (files.includes(undefined)) return undefined
    const known = { bytes: files.reduce((sum, file) => sum + file!.size, 0), used: Date.now() }
    if (!this.#known.has(key)) this.#add(key, known.bytes)
    return known
  }

  #add(key: string, bytes: number): void {
    this.#known.set(key, { bytes, used: Date.now() })
    this.#bytes += bytes
  }

  #key({ provider, voice, language, text }: Spoken): string {
    const content = JSON.stringify([provider, voice ?? '', language ?? '', text])
    return createHmac('sha256', this.secret).update(content).digest('hex')
  }

  #file(key: string, type: PromptType): string {
    return path(this.options.folder, `${key}.${type}`)
  }

  async #make(key: string, sound: AsyncIterable<Pcm>): Promise<Prompt> {
    const files = await this.#rates(sound)
    let bytes = 0
    for (const type of types) {
      const content = wav(files[type])
      bytes += content.length
      const unfinished = path(this.options.folder, `${randomUUID()}.unfinished`)
      await writeFile(unfinished, content)
      await rename(unfinished, this.#file(key, type))
    }
    this.#add(key, bytes)
    await this.#shrink()
    return { key, milliseconds: milliseconds(files.wav) }
  }

  /** The sound at each rate, made piece by piece, so that a long text holds the event loop no longer than a short one. */
  async #rates(sound: AsyncIterable<Pcm>): Promise<Record<PromptType, Pcm>> {
    const made = { wav: new Rated(promptTypes.wav.rate), wav16: new Rated(promptTypes.wav16.rate) }
    for await (const piece of sound) {
      for (const type of types) made[type].add(piece)
      if (made.wav.seconds > this.options.longestSeconds) {
        const message = `a prompt may last ${this.options.longestSeconds} s; this one is longer`
        throw new HashdialError('INVALID_ARGUMENT', 'PROMPT_TOO_LONG', message)
      }
    }
    if (made.wav.seconds === 0) throw new HashdialError('UNAVAILABLE', 'SPEECH_FAILED', 'the speech is empty')
    return { wav: made.wav.end(), wav16: made.wav16.end() }
  }

  async #shrink(): Promise<void> {
    const fresh = Date.now() - this.options.graceSeconds * 1000
    for (const [key, { used }] of this.#known) {
      if (this.#bytes <= this.options.bytes || used > fresh) return
      this.#forget(key)
      await Promise.all(types.map((type) => rm(this.#file(key, type), { force: true })))
    }
  }

  #forget(key: string): void {
    this.#bytes -= this.#known.get(key)?.bytes ?? 0
    this.#known.delete(key)
  }

  /** What earlier runs have left, in the order of use. */
  async #load(): Promise<void> {
    const { folder } = this.options
    const names = await readdir(folder)
    const found = new Map<string, { bytes: number; used: number; files: number }>()
    for (const name of names.filter((one) => one !== secretFile)) {
      const [, key, type] = /^([0-9a-f]{64})\.(wav|wav16)$/.exec(name) ?? []
      const { size, mtimeMs } = await stat(path(folder, name))
      const { bytes, used, files } = found.get(key ?? '') ?? { bytes: 0, used: 0, files: 0 }
      if (key) found.set(key, { bytes: bytes + size, used: type === 'wav' ? mtimeMs : used, files: files + 1 })
      else if (mtimeMs < Date.now() - 3_600_000) await rm(path(folder, name), { force: true }) // never finished
    }
    const whole = [...found].filter(([, { files }]) => files === types.length)
    for (const [key, { bytes, used }] of whole.sort(([, a], [, b]) => a.used - b.used)) {
      this.#known.set(key, { bytes, used })
      this.#bytes += bytes
    }
    await this.#shrink()
  }
}

/** Sound that is gathered at one rate. */
class Rated {
  readonly #pieces: Int16Array[] = []
  #resampler: Resampler | undefined
  #length = 0

  constructor(readonly rate: number) {}

  get seconds(): number {
    return this.#length / this.rate
  }

  add({ samples, rate }: Pcm): void {
    if (this.#resampler?.from !== rate) this.#resampler = new Resampler(rate, this.rate)
    this.#take(this.#resampler.write(samples))
  }

  end(): Pcm {
    if (this.#resampler) this.#take(this.#resampler.end())
    return { samples: join(this.#pieces), rate: this.rate }
  }

  #take(piece: Int16Array): void {
    this.#pieces.push(piece)
    this.#length += piece.length
  }
}

/** Made once for each folder; two processes that share it agree on one. */
async function secretIn(folder: string): Promise<Buffer> {
  const [file, mine] = [path(folder, secretFile), path(folder, `${randomUUID()}.unfinished`)]
  await writeFile(mine, randomBytes(32).toString('hex'), { mode: 0o600 })
  await link(mine, file).catch(() => undefined) // there is one already
  await rm(mine)
  return createHash('sha256')
    .update(await readFile(file))
    .digest()
}
