import { cartesia } from './cartesia.ts'
import { deepgram } from './deepgram.ts'
import { elevenlabs } from './elevenlabs.ts'
import { energy } from './energy.ts'
import { flite } from './flite.ts'
import { moonshine } from './moonshine.ts'
import { openai } from './openai.ts'
import type { Provider } from './provider.ts'
import { silero } from './silero.ts'

/** The registry: a provider is its file and one line here. */
export const providers = {
  ...{ flite, moonshine, openai, deepgram, elevenlabs, cartesia, silero, energy },
} satisfies Record<string, Provider>
