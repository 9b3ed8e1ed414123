import Joi from 'joi'
import { dialOne } from '../calls/dial.ts'
import { ActionError, type Action } from './action.ts'

interface EchoOptions {
  duration?: number
}

/**
 * The caller hears himself, for `duration` or until he presses #. A Local channel does it (asterisk/hashdial_extensions.conf):
 * it needs nobody, so it goes on over a crash, and it ends by itself.
 */
export const echo: Action<EchoOptions> = {
  about: 'Sends back what the caller says, until # or the end of `duration`.',
  options: Joi.object({ duration: Joi.number().integer().min(100).max(3_600_000).unit('milliseconds') }),

  needs: 'answered',

  async run(run, { duration = 180_000 }) {
    const destination = { endpoint: `Local/${duration}@hashdial_echo` }
    const outcome = await dialOne(run, destination, {
      ...{ id: `echo-${run.id}`, ringSeconds: 5, stored: run.stored, hadTalked: () => true },
    })
    if (!outcome.talked) throw new ActionError('Asterisk has no context hashdial_echo: update hashdial_extensions.conf')
  },
}
