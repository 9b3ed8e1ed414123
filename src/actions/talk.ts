import Joi from 'joi'
import { playTo, startPlaying } from '../calls/playback.ts'
import { ActionError, inWords, type Action } from './action.ts'
import { keepKeys } from './keys.ts'

interface TalkOptions {
  text: string
  language?: string
  provider?: string
  voice_id?: string
  digits_handle?: '' | 'next'
  async?: boolean
}

/**
 * Says a text. With `digits_handle: next` a key ends it, and a digits_receive that follows counts the key; with `async`
 * the flow goes on while it is said. The same text in the same voice is made once.
 */
export const talk: Action<TalkOptions> = {
  options: Joi.object({
    text: Joi.string().max(10_000).required(),
    language: Joi.string()
      .allow('')
      .pattern(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/),
    provider: Joi.string().allow('').max(64),
    voice_id: Joi.string().allow('').max(128),
    digits_handle: Joi.valid('', 'next'),
    async: Joi.boolean(),
  }),

  needs: 'answered',

  heavy: true,

  async run(call, { text, language, provider = '', voice_id: voice, digits_handle, async }, place) {
    const since = performance.now()
    const id = `talk-${place.id}`
    const spoken = { provider, voice: voice || undefined, language: language || undefined, text }
    const media = await call.exchange.sounds.speak(spoken, call.signal).catch(inWords)
    if (async) return startPlaying(call, id, media)
    const played = await playTo(call, { id, media, keyStops: digits_handle === 'next' })
    keepKeys(call, place, since)
    if (played === 'failed') throw new ActionError('Asterisk could not fetch the speech: see HASHDIAL_SOUNDS_URL')
  },
}
