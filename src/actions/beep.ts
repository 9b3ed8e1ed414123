import Joi from 'joi'
import { playTo } from '../calls/playback.ts'
import { ActionError, type Action } from './action.ts'

/** One beep. */
export const beep: Action<object> = {
  about: 'Plays one beep.',
  options: Joi.object({}),

  async run(call, _options, place) {
    const played = await playTo(call, { id: `beep-${place.id}`, media: 'sound:beep' })
    if (played === 'failed') throw new ActionError('Asterisk has no sound "beep": install its core sounds')
  },
}
