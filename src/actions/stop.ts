import Joi from 'joi'
import type { Action } from './action.ts'

/** Ends the activeflow, and with it the call. */
export const stop: Action<object> = {
  about: 'Ends the activeflow, and with it the call.',
  options: Joi.object({}),
  sideEffectFree: true,
  ways: () => [{ end: true }],
  run: async () => ({ end: true }),
}
