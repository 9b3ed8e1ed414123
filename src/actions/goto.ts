import Joi from 'joi'
import { actionId, type Action } from './action.ts'

interface GotoOptions {
  target_id: string
  /** How often it jumps while its list runs; without it, always. */
  loop_count?: number
}

/** Goes on with another action of the list. When it has jumped `loop_count` times, the next action follows. */
export const goto: Action<GotoOptions> = {
  about: 'Goes on with another action of the list, `loop_count` times at most.',
  options: Joi.object({ target_id: actionId.required(), loop_count: Joi.number().integer().min(0).max(1_000_000) }),

  sideEffectFree: true,

  ways({ target_id, loop_count }) {
    if (loop_count === undefined) return [{ goto: target_id }]
    return loop_count > 0 ? [{ goto: target_id }, undefined] : [undefined]
  },

  async run(run, { target_id, loop_count = Infinity }) {
    if (run.count >= loop_count) return undefined
    if (loop_count !== Infinity) run.count++
    return { goto: target_id }
  },
}
