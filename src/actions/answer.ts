import Joi from 'joi'
import type { Action } from './action.ts'

/** Takes the call. The engine does that before every action that needs it; this one needs it and nothing else. */
export const answer: Action<object> = {
  about: 'Answers the call.',
  options: Joi.object({}),
  needs: 'answered',
  instant: true,
  run: async () => undefined,
}
