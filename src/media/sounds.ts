import { createHash } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { HashdialError } from '../errors.ts'
import type { Decoder } from '../voice/decoder.ts'
import type { Prompts, Spoken } from '../voice/prompts.ts'
import { SingleFlight } from '../voice/shared.ts'
import type { Voice } from '../voice/voice.ts'
import { WebError, type ArrivingAnswer, type Web } from '../web.ts'

/** Larger files are not fetched: ten minutes at 16 kHz. */
const mostBytes = 20_000_000

/** So long a file that was fetched is taken for what its URL has, in milliseconds: a menu that repeats fetches it once. */
const freshness = 60_000
const remembered = 1_000

/** How long the whole fetch may take, in milliseconds: the caller hears nothing meanwhile. */
const patience = 10_000

/**
 * Sounds that Asterisk has not got: speech, and what a URL has. We fetch and make them, so what may be fetched is decided
 * here and not by each Asterisk, and every Asterisk plays them by HTTP from us (res_http_media_cache). Their names cannot
 * be guessed.
 */
export class Sounds {
  readonly #fetched = new Map<string, { key: string; until: number }>()
  readonly #fetching = new SingleFlight<string>()

  constructor(
    readonly prompts: Prompts,
    readonly voice: Voice,
    readonly decoder: Decoder,
    readonly web: Web,
    /** Where Asterisk finds our API. */
    readonly url: string,
  ) {}

  /** What a URL has, as ARI plays it. `owner` is whose turn it is where there is more to decode than can be at once. */
  async fetch(url: string, signal: AbortSignal, owner?: string): Promise<string> {
    const known = this.#fetched.get(url)
    if (known && known.until > Date.now() && (await this.prompts.find(known.key, 'wav'))) return this.#media(known.key)
    // Calls that want the same at the same time have it fetched once.
    const key = await this.#fetching.get(url, (all) => this.#fetch(url, all, owner), signal)
    this.#fetched.delete(url)
    this.#fetched.set(url, { key, until: Date.now() + freshness })
    if (this.#fetched.size > remembered) this.#fetched.delete(this.#fetched.keys().next().value!)
    return this.#media(key)
  }

  /** Speech, as ARI plays it; `owner` as of `fetch`. */
  async speak({ provider, voice, language, text }: Spoken, signal: AbortSignal, owner?: string): Promise<string> {
    const tts = this.voice.tts(provider)
    const speech = (all: AbortSignal) => tts.synthesize(text, { voice, language, owner, signal: all })
    return this.#media((await this.prompts.get({ provider, voice, language, text }, speech, signal)).key)
  }

  /** Starts what the first prompts and sounds need, so that no caller has to wait for it. */
  warmUp(): void {
    this.voice.warmUp()
    this.decoder.warmUp()
  }

  async #fetch(url: string, signal: AbortSignal, owner?: string): Promise<string> {
    const from = await this.prompts.unfinished()
    try {
      const text = await this.#download(url, from, signal)
      const { longestSeconds } = this.prompts.options
      const decode: Parameters<Prompts['fill']>[1] = (to, all) =>
        this.decoder.decode({ from, to, longestSeconds }, all, owner)
      return (await this.prompts.fill({ provider: 'file', text }, decode, signal)).key
    } finally {
      await rm(from, { force: true })
    }
  }

  /** Puts what a URL has into a file, while it arrives. Answers its hash. */
  async #download(url: string, to: string, signal: AbortSignal): Promise<string> {
    const limits = { signal, maxBytes: mostBytes, timeout: patience }
    const hash = createHash('sha256')
    const take = async ({ status, body }: ArrivingAnswer) => {
      if (status < 200 || status > 299) throw new WebError(`the server answered ${status}`)
      const each = async function* () {
        for await (const chunk of body) {
          hash.update(chunk)
          yield chunk
        }
      }
      await writeFile(to, each())
    }
    await this.web.receive(url, limits, take).catch(inWords)
    return hash.digest('hex')
  }

  #media(key: string): string {
    return `sound:${this.url}/sounds/${key}.wav`
  }
}

function inWords(error: unknown): never {
  if (error instanceof WebError) throw new HashdialError('UNAVAILABLE', 'SOUND_NOT_FETCHED', error.message)
  throw error
}
