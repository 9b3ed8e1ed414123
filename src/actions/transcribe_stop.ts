import Joi from 'joi'
import type { Action } from './action.ts'

/** Ends the transcribe of the call, when all that was said is stored; where there is none, there is nothing to do. */
export const transcribe_stop: Action<object> = {
  about: 'Ends the transcribes of the call.',
  options: Joi.object({}),
  instant: true,

  async run(call) {
    await call.exchange.transcribes.stop(call)
  },
}
