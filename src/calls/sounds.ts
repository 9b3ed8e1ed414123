import { createHash } from 'node:crypto'
import { HashdialError } from '../errors.ts'
import type { Prompts, Spoken } from '../voice/prompts.ts'
import type { Voice } from '../voice/voice.ts'
import { readWav, WavError } from '../voice/wav.ts'
import { WebError, type Web } from '../web.ts'

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

  constructor(
    readonly prompts: Prompts,
    readonly voice: Voice,
    readonly web: Web,
    /** Where Asterisk finds our API. */
    readonly url: string,
  ) {}

  /** What a URL has, as ARI plays it. */
  async fetch(url: string, signal: AbortSignal): Promise<string> {
    const known = this.#fetched.get(url)
    if (known && known.until > Date.now() && (await this.prompts.find(known.key, 'wav'))) return this.#media(known.key)
    const bytes = await this.#download(url, signal)
    const text = createHash('sha256').update(bytes).digest('hex')
    const { key } = await this.prompts.get({ provider: 'url', text }, () => readWav(once(bytes)), signal).catch(inWords)
    this.#fetched.delete(url)
    this.#fetched.set(url, { key, until: Date.now() + freshness })
    if (this.#fetched.size > remembered) this.#fetched.delete(this.#fetched.keys().next().value!)
    return this.#media(key)
  }

  /** Speech, as ARI plays it. */
  async speak({ provider, voice, language, text }: Spoken, signal: AbortSignal): Promise<string> {
    const tts = this.voice.tts(provider)
    const speech = (all: AbortSignal) => tts.synthesize(text, { voice, language, signal: all })
    return this.#media((await this.prompts.get({ provider, voice, language, text }, speech, signal)).key)
  }

  async #download(url: string, signal: AbortSignal): Promise<Uint8Array> {
    const limits = { signal, maxBytes: mostBytes, timeout: patience }
    const { status, body } = await this.web.request(url, limits).catch(inWords)
    if (status === 200) return body
    throw new HashdialError('UNAVAILABLE', 'SOUND_NOT_FETCHED', `the server answered ${status}`)
  }

  #media(key: string): string {
    return `sound:${this.url}/sounds/${key}.wav`
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function inWords(error: unknown): never {
  if (error instanceof WebError) throw new HashdialError('UNAVAILABLE', 'SOUND_NOT_FETCHED', error.message)
  if (error instanceof WavError) throw new HashdialError('INVALID_ARGUMENT', 'SOUND_UNKNOWN', error.message)
  throw error
}
