import { HashdialError } from '../errors.ts'
import { providers } from './providers/index.ts'
import type { Closable, Provider, VoiceSettings } from './providers/provider.ts'
import type { Stt, Tts, Vad } from './speech.ts'

export type { VoiceSettings }

type Kind = Exclude<keyof Provider, 'speaks'>
const known: Readonly<Record<string, Provider>> = providers

/** Everything that speaks and understands. A provider is made, and its processes are started, when it is first needed. */
export class Voice {
  readonly #made = new Map<string, object & Partial<Closable>>()

  constructor(readonly settings: VoiceSettings) {}

  /** The provider of that name; the offline voice when none is named. */
  tts(name = ''): Tts {
    const [provider, make] = this.#find('tts', name || 'flite')
    return this.#once(`tts ${provider}`, () => make(this.settings))
  }

  /** The provider of that name; the offline transcriber when none is named. */
  stt(name = ''): Stt {
    const [provider, make] = this.#find('stt', name || 'moonshine')
    return this.#once(`stt ${provider}`, () => make(this.settings, this.vad()))
  }

  /** Silero where its model is; else loudness, which needs none. */
  vad(): Vad {
    return {
      listen: (on, options) =>
        this.#silero()
          .listen(on, options)
          .catch((error: unknown) => {
            if (!(error instanceof HashdialError) || error.reason !== 'MODELS_MISSING') throw error
            return this.#energy().listen(on, options)
          }),
    }
  }

  /** Starts the processes of the offline voice, which would speak two seconds late the first time. */
  warmUp(): void {
    this.tts().warmUp?.()
  }

  async close(): Promise<void> {
    for (const one of this.#made.values()) await one.close?.()
  }

  #silero(): Vad {
    return this.#once('vad silero', () => providers.silero.vad!(this.settings))
  }

  #energy(): Vad {
    return this.#once('vad energy', () => {
      this.settings.log.warn('speech is detected by its loudness; for a better way run: npm run models')
      return providers.energy.vad!(this.settings)
    })
  }

  #find<K extends Kind>(kind: K, name: string): [string, NonNullable<Provider[K]>] {
    const make = Object.hasOwn(known, name) ? known[name]![kind] : undefined
    if (make) return [name, make]
    const names = Object.keys(known).filter((other) => known[other]![kind])
    const message = `there is no ${kind} provider named "${name.slice(0, 40)}"; use one of ${names.join(', ')}`
    throw new HashdialError('INVALID_ARGUMENT', 'PROVIDER_UNKNOWN', message)
  }

  #once<T extends object>(key: string, make: () => T & Partial<Closable>): T {
    let one = this.#made.get(key) as (T & Partial<Closable>) | undefined
    if (!one) this.#made.set(key, (one = make()))
    return one
  }
}

/** Why that provider cannot speak the language, as far as can be told without asking it; undefined when it may. */
export function languageProblem(provider: string, language: string): string | undefined {
  const languages = Object.hasOwn(known, provider || 'flite') ? known[provider || 'flite']!.speaks : undefined
  const [base = ''] = language.toLowerCase().split('-')
  if (!languages || base === '' || languages.includes(base)) return undefined
  const others = Object.keys(known).filter((name) => known[name]!.tts && !known[name]!.speaks)
  const what = `"${language.slice(0, 40)}" is not spoken by ${provider || 'flite'}, which has: ${languages.join(', ')}`
  return `${what}; for others use provider ${others.join(' or ')}`
}
