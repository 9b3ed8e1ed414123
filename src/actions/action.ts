import type Joi from 'joi'
import type { Call } from '../calls/call.ts'

/** Where an activeflow goes on, when not with the next action. */
export type Jump =
  /** On with the action that has this id, in the same list. */
  | { goto: string }
  /** Into another list, and back to the action after this one when that list is done. */
  | { push: readonly StepLike[] }
  /** The activeflow ends here. */
  | { end: true }

/** An action in a list: what is to be done and how. */
export interface StepLike {
  id?: string
  next_id?: string
  type: string
  option: object
}

export interface Action<Options> {
  options: Joi.ObjectSchema<Options>
  /** The engine answers the call first, so that no action has to. */
  needs?: 'answered'
  /**
   * Does it. Must find what an earlier run of the same action has made (`call.recovered`), and must not outlive
   * `call.signal`. `place` is the same in every run of this action and no other's: ids are made from it.
   */
  run(call: Call, options: Options, place: string): Promise<Jump | void>
}
