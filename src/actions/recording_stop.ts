import Joi from 'joi'
import { HashdialError } from '../errors.ts'
import { inWords, type Action } from './action.ts'
import type { House } from './house.ts'

const nothing = new HashdialError('FAILED_PRECONDITION', 'NOT_RECORDING', 'nothing is being recorded')

/** Ends the recordings of the call that are under way. */
export const recording_stop: Action<object> = {
  about: 'Ends the recordings of the call.',
  options: Joi.object({}),
  instant: true,

  async run({ call }, _options, { recordings }: Pick<House, 'recordings'>) {
    if ((await recordings.stop(call)) === 0) inWords(nothing)
  },
}
