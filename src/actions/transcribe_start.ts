import Joi from 'joi'
import { flowId, inWords, type Action } from './action.ts'
import type { House } from './house.ts'

interface TranscribeOptions {
  language?: string
  provider?: string
  direction?: 'both' | 'in' | 'out'
  on_end_flow_id?: string
}

/**
 * Writes down what is said, each direction by itself, and goes on as soon as it listens. It lasts until transcribe_stop
 * or the call's end, and over a crash.
 */
export const transcribe_start: Action<TranscribeOptions> = {
  about: 'Writes down what is said, each direction by itself, and goes on at once.',
  options: Joi.object({
    language: Joi.string()
      .allow('')
      .max(32)
      .pattern(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/),
    provider: Joi.string().allow('').max(64),
    direction: Joi.valid('both', 'in', 'out'),
    on_end_flow_id: flowId.allow(''),
  }),

  needs: 'answered',

  async run(
    run,
    { language = '', provider = '', direction = 'both', on_end_flow_id },
    house: Pick<House, 'transcribes'>,
  ) {
    const options = { language, provider: provider || 'moonshine', direction, on_end_flow_id: on_end_flow_id || null }
    await house.transcribes.start(run, run.id, options).catch(inWords)
  },
}
