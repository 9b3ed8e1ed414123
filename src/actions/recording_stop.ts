import Joi from 'joi'
import { ActionError, type Action } from './action.ts'

/** Ends the recordings of the call that are under way. */
export const recording_stop: Action<object> = {
  about: 'Ends the recordings of the call.',
  options: Joi.object({}),
  instant: true,

  async run(call) {
    if ((await call.exchange.recordings.stop(call)) === 0) throw new ActionError('nothing is being recorded')
  },
}
