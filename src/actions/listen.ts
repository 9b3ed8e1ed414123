import Joi from 'joi'
import { listenTo, type ListenMode } from '../media/listening.ts'
import { ActionError, inWords, type Action } from './action.ts'
import type { House } from './house.ts'

interface ListenOptions {
  call_id: string
  mode?: ListenMode
}

/** Lets the caller hear another call of the customer, as a supervisor does, until either ends. */
export const listen: Action<ListenOptions> = {
  about:
    'Lets the caller hear another call: unheard (`listen`), heard by the one who was called (`whisper`), or by both (`barge`).',
  options: Joi.object({
    call_id: Joi.string().guid({ separator: '-', wrapper: false }).lowercase().required(),
    mode: Joi.valid('listen', 'whisper', 'barge'),
  }),

  needs: 'answered',

  async run(run, { call_id, mode = 'listen' }, { liveCalls }: Pick<House, 'liveCalls'>) {
    const other = liveCalls.get(call_id)
    const isOwn = other?.row.customer_id === run.call.row.customer_id && other !== run.call
    if (!isOwn || other.hasEnded) throw new ActionError(`there is no call ${call_id} here that could be heard`)
    await listenTo(run, `listen-${run.id}`, other, mode).catch(inWords)
  },
}
