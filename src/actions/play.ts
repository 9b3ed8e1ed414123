import Joi from 'joi'
import type { Call } from '../calls/call.ts'
import { playTo } from '../calls/playback.ts'
import { ActionError, inWords, type Action, type Place } from './action.ts'
import { keepKeys } from './keys.ts'

interface PlayOptions {
  stream_urls: string[]
  digits_handle?: '' | 'next'
}

/** What Asterisk has or says by itself. No dot and no slash in front: the names of files elsewhere on its disk have one. */
const builtIn = /^(sound:\w[\w-]*(\/\w[\w-]*)*|digits:[0-9*#]{1,64}|number:\d{1,15}|characters:[0-9A-Za-z]{1,64})$/

const source = Joi.string()
  .max(2000)
  .custom((value: string, helpers) => (isSource(value) ? value : helpers.error('source.unknown')))
  .messages({
    'source.unknown':
      '{{#label}} must be the URL of a WAV file (https://…), or a built-in sound such as sound:hello-world',
  })

/**
 * Plays one after another; those that cannot be played are left out, and the first of them is what is noted. With
 * `digits_handle: next` a key ends it, and a digits_receive that follows counts the key.
 */
export const play: Action<PlayOptions> = {
  about: 'Plays sounds one after another.',
  options: Joi.object({
    stream_urls: Joi.array().items(source).min(1).max(50).required(),
    digits_handle: Joi.valid('', 'next'),
  }),

  heavy: true,

  async run(call, { stream_urls, digits_handle }, place) {
    const since = performance.now()
    const keyStops = digits_handle === 'next'
    const first = Number(place.memory['index'] ?? 0)
    const problems: string[] = []
    try {
      for (let index = first; index < stream_urls.length; index++) {
        if (index > first) await remember(place, index)
        const played = await playSource(call, place, index, stream_urls[index]!, keyStops).catch((error: unknown) => {
          if (!(error instanceof ActionError)) throw error
          problems.push(error.message)
        })
        if (played === 'stopped') break
      }
    } finally {
      keepKeys(call, place, since)
    }
    if (problems[0] !== undefined) throw new ActionError(problems[0])
  },
}

/** After a crash it goes on with what was being played, not with the first. */
async function remember(place: Place, index: number): Promise<void> {
  place.memory['index'] = index
  await place.save()
}

/** As ARI plays it. Rejects with a HashdialError that says why it cannot be played. */
export async function mediaOf(call: Call, from: string): Promise<string> {
  return builtIn.test(from) ? from : call.exchange.sounds.fetch(from, call.signal, call.row.customer_id)
}

async function playSource(call: Call, place: Place, index: number, from: string, keyStops: boolean): Promise<string> {
  const media = await mediaOf(call, from).catch(inWords)
  const played = await playTo(call, { id: `play-${place.id}-${index}`, media, keyStops })
  if (played === 'failed')
    throw new ActionError(`${from.slice(0, 200)} could not be played: Asterisk has no such sound`)
  return played
}

function isSource(text: string): boolean {
  if (builtIn.test(text)) return true
  return /^https?:\/\//i.test(text) && URL.canParse(text)
}
