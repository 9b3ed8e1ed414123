import Joi from 'joi'
import type { Action } from './action.ts'
import type { House } from './house.ts'

/** Ends the transcribe of the call, when all that was said is stored; where there is none, there is nothing to do. */
export const transcribe_stop: Action<object> = {
  about: 'Ends the transcribes of the call.',
  options: Joi.object({}),
  instant: true,

  async run({ call }, _options, { transcribes }: Pick<House, 'transcribes'>) {
    await transcribes.stop(call)
  },
}
