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

/** Where in an activeflow an action runs, and what it can keep there. */
export interface Place {
  /** The same in every run of this action, and no other action's: ids are made from it. */
  readonly id: string
  /** The activeflow's variables: `${name}` in a later action's options. */
  readonly variables: Record<string, string>
  /** What a run after a crash has to know; gone when the action is done. */
  readonly memory: Record<string, unknown>
  /** Resolves when it is in MySQL that this action runs. The engine has waited for it, unless the action is `eager`. */
  readonly stored: Promise<void>
  /** Puts variables and memory into MySQL now; they go there in any case when the action is done. */
  save(): Promise<void>
}

export interface Action<Options> {
  options: Joi.ObjectSchema<Options>
  /** The engine answers the call first, so that no action has to. */
  needs?: 'answered'
  /**
   * Nothing outside the activeflow is touched, and nothing is waited for: run again from the last cursor that is in
   * MySQL it does the same, so the engine does not store the cursor before it.
   */
  pure?: true
  /** It prepares itself while the engine stores the cursor, and waits for `place.stored` before it does what shows. */
  eager?: true
  /**
   * Does it. Must find what an earlier run of the same action has made (`call.recovered`), and must not outlive
   * `call.signal`.
   */
  run(call: Call, options: Options, place: Place): Promise<Jump | void>
}

/** The same actions without the types of their options: what the engine and the check of a flow work with. */
export type AnyAction = Action<object>

/** Why an action could not be done. It is noted, and the flow goes on with the next action. */
export class ActionError extends Error {
  override name = 'ActionError'
}
