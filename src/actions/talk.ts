import Joi from 'joi'
import { beginToSay, say } from '../media/speech.ts'
import { languageProblem } from '../voice/voice.ts'
import { ActionError, inWords, type Action, type ActionRun } from './action.ts'
import { keepDigits } from './digits.ts'
import type { House } from './house.ts'

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
  about: 'Says a text.',
  options: Joi.object({
    text: Joi.string()
      .max(10_000)
      .required()
      .description('Plain text or SSML, of which the words are said. A long text begins with its first sentence.'),
    language: Joi.string()
      .allow('')
      .custom(checkLanguage)
      .messages({ 'language.unknown': '{{#label}} {{#problem}}' })
      .description('A BCP 47 tag that the provider speaks, such as en-US; flite speaks English only.'),
    provider: Joi.string().allow('').max(64),
    voice_id: Joi.string().allow('').max(128),
    digits_handle: Joi.valid('', 'next'),
    async: Joi.boolean(),
  }),

  needs: 'answered',

  heavy: true,

  async run(
    run,
    { text, language, provider = '', voice_id: voice, digits_handle, async },
    { sounds }: Pick<House, 'sounds'>,
  ) {
    const since = performance.now()
    const id = `talk-${run.id}`
    const spoken = { provider, voice: voice || undefined, language: language || undefined, text }
    if (async) return beginToSay(run, sounds, id, spoken).catch(inWords)
    const from = Number(run.memory['passage'] ?? 0)
    const keyStops = digits_handle === 'next'
    try {
      const reached = (passage: number) => remember(run, passage)
      const played = await say(run, sounds, { id, spoken, keyStops, from, reached })
      if (played === 'failed') throw new ActionError('Asterisk could not fetch the speech: see HASHDIAL_SOUNDS_URL')
    } catch (error) {
      inWords(error)
    } finally {
      keepDigits(run, since)
    }
  },
}

/** After a crash it goes on with the passage that was being heard. */
async function remember(run: ActionRun, passage: number): Promise<void> {
  run.memory['passage'] = passage
  await run.save()
}

/** What the provider cannot speak is told when the flow is saved, where neither comes from a variable. */
function checkLanguage(value: string, helpers: Joi.CustomHelpers): string | Joi.ErrorReport {
  if (!/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(value))
    return helpers.error('language.unknown', { problem: 'must be a BCP 47 tag, such as en-US' })
  const [{ provider = '' }] = helpers.state.ancestors as [{ provider?: unknown }]
  const problem = typeof provider === 'string' ? languageProblem(provider, value) : undefined
  return problem === undefined ? value : helpers.error('language.unknown', { problem })
}
