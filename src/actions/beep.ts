import Joi from 'joi'
import { playTo } from '../media/playback.ts'
import { ActionError, type Action } from './action.ts'

/** One beep. */
export const beep: Action<object> = {
  about: 'Plays one beep.',
  options: Joi.object({}),

  async run(run) {
    const played = await playTo(run, { id: `beep-${run.id}`, media: 'sound:beep' })
    if (played === 'failed') throw new ActionError('Asterisk has no sound "beep": install its core sounds')
  },
}
