import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto'
import { link, mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join as path } from 'node:path'
import type { Pcm } from './pcm.ts'
import { promptTypes, writePrompt, type PromptPaths, type PromptType } from './prompt-files.ts'
import { SingleFlight } from './shared.ts'

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

export { promptTypes, type PromptType } from './prompt-files.ts'

type Write = (paths: PromptPaths, signal: AbortSignal) => Promise<number>

const types = Object.keys(promptTypes) as PromptType[]
const secretFile = 'secret'

/** Sound that was made once, by its content: two files each, for any Asterisk to fetch from us over HTTP. */
export class Prompts {
  /** Bytes and last use of each; the order is the order of use. */
  readonly #known = new Map<string, { bytes: number; used: number }>()
  readonly #making = new SingleFlight<Prompt>()
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
  get(spoken: Spoken, make: (signal: AbortSignal) => AsyncIterable<Pcm>, signal: AbortSignal): Promise<Prompt> {
    const { longestSeconds } = this.options
    return this.fill(spoken, (paths, all) => writePrompt(paths, make(all), longestSeconds), signal)
  }

  /** As `get`; `write` fills the files, which are empty, and answers how long the sound is, in milliseconds. */
  async fill(spoken: Spoken, write: Write, signal: AbortSignal): Promise<Prompt> {
    signal.throwIfAborted()
    const key = this.#key(spoken)
    const file = await this.find(key, 'wav')
    if (file) return { key, milliseconds: ((await stat(file)).size - 44) / 16 }
    return this.#making.get(key, (all) => this.#make(key, write, all), signal)
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

  async #make(key: string, write: Write, signal: AbortSignal): Promise<Prompt> {
    const paths = { wav: await this.unfinished(), wav16: await this.unfinished() }
    try {
      const milliseconds = await write(paths, signal)
      const files = await Promise.all(types.map((type) => stat(paths[type])))
      for (const type of types) await rename(paths[type], this.#file(key, type))
      this.#add(
        key,
        files.reduce((sum, { size }) => sum + size, 0),
      )
      await this.#shrink()
      return { key, milliseconds }
    } finally {
      await Promise.all(types.map((type) => rm(paths[type], { force: true })))
    }
  }

  /** A new empty file in the same folder; what is forgotten there goes at a later start. */
  async unfinished(): Promise<string> {
    const file = path(this.options.folder, `${randomUUID()}.unfinished`)
    await writeFile(file, '')
    return file
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
