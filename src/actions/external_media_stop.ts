import Joi from 'joi'
import { stopExternalMedia } from '../media/external-media.ts'
import { ActionError, type Action } from './action.ts'

/** Where the call's external media was begun: its names are made from it. */
export const externalMediaVariable = 'hashdial.call.external_media'

/** Ends the external media of the call. */
export const external_media_stop: Action<object> = {
  about: 'Ends the external media of the call.',
  options: Joi.object({}),
  instant: true,

  async run({ call, variables }) {
    const running = variables[externalMediaVariable]
    if (!running) throw new ActionError('there is no external media')
    await stopExternalMedia(call, running)
    delete variables[externalMediaVariable]
  },
}
