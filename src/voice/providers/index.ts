import { energy } from './energy.ts'
import { flite } from './flite.ts'
import { moonshine } from './moonshine.ts'
import { openai } from './openai.ts'
import type { Provider } from './provider.ts'
import { silero } from './silero.ts'

/** The registry: a provider is its file and one line here. */
export const providers = { flite, moonshine, openai, silero, energy } satisfies Record<string, Provider>
