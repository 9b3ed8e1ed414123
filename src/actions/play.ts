import Joi from 'joi'
import { playTo } from '../media/playback.ts'
import type { Sounds } from '../media/sounds.ts'
import { ActionError, inWords, type Action, type ActionRun } from './action.ts'
import { keepDigits } from './digits.ts'
import type { House } from './house.ts'

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

  async run(run, { stream_urls, digits_handle }, { sounds }: Pick<House, 'sounds'>) {
    const since = performance.now()
    const keyStops = digits_handle === 'next'
    const first = Number(run.memory['index'] ?? 0)
    const problems: ActionError[] = []
    try {
      for (let index = first; index < stream_urls.length; index++) {
        if (index > first) await remember(run, index)
        const played = await playSource(run, sounds, index, stream_urls[index]!, keyStops).catch((error: unknown) => {
          if (!(error instanceof ActionError)) throw error
          problems.push(error)
        })
        if (played === 'stopped') break
      }
    } finally {
      keepDigits(run, since)
    }
    if (problems[0]) throw problems[0]
  },
}

/** After a crash it goes on with what was being played, not with the first. */
async function remember(run: ActionRun, index: number): Promise<void> {
  run.memory['index'] = index
  await run.save()
}

async function playSource(
  run: ActionRun,
  sounds: Sounds,
  index: number,
  from: string,
  keyStops: boolean,
): Promise<string> {
  const fetched = builtIn.test(from) ? from : sounds.fetch(from, run.signal, run.call.row.customer_id)
  const media = await Promise.resolve(fetched).catch(inWords)
  const played = await playTo(run, { id: `play-${run.id}-${index}`, media, keyStops })
  if (played === 'failed')
    throw new ActionError(`${from.slice(0, 200)} could not be played: Asterisk has no such sound`)
  return played
}

function isSource(text: string): boolean {
  if (builtIn.test(text)) return true
  return /^https?:\/\//i.test(text) && URL.canParse(text)
}
