import Joi from 'joi'
import type { Direction } from '../ari/operations.ts'
import type { Action } from './action.ts'

interface MuteOptions {
  direction?: Direction
  muted?: boolean
}

/** `in`: the caller is not heard; `out`: he hears nothing. With `muted: false` it is over. Asterisk keeps it over a crash. */
export const mute: Action<MuteOptions> = {
  about: 'Mutes a direction of the call: `in` is what the caller says.',
  options: Joi.object({ direction: Joi.valid('both', 'in', 'out'), muted: Joi.boolean() }),

  instant: true,

  async run({ call }, { direction = 'both', muted = true }) {
    const { channels } = call.node.ari
    if (muted) await channels.mute({ channelId: call.channelId, direction })
    else await channels.unmute({ channelId: call.channelId, direction })
  },
}
