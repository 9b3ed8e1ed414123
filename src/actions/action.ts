import Joi from 'joi'
import type { Call, CallFacts } from '../calls/call.ts'
import type { KeptRun, StepLike } from '../calls/run.ts'
import { HashdialError } from '../errors.ts'
import type { House } from './house.ts'

export type { StepLike } from '../calls/run.ts'

/** Where an activeflow goes on, when not with the next action. */
export type Jump =
  /** On with the action that has this id, in the same list. */
  | { goto: string }
  /** Into another list, and back to the action after this one when that list is done. */
  | { push: readonly StepLike[] }
  /** The activeflow ends here. */
  | { end: true }

/** The run of one action: what it is done for, where in its list, and what it can keep there. */
export interface ActionRun<C extends CallFacts = Call> extends KeptRun<C> {
  /** The digits of hashdial.call.digits that no digits_receive has counted: they were pressed during a prompt. */
  digitsAhead: string
  /** When its first run began. */
  readonly tmBegin: string
  /** A number that stays with the action in its list, from one run of it to the next: how often a goto has jumped. */
  count: number
  /** Resolves when it is in MySQL that this action runs. The engine has waited for it, unless the action is `eager`. */
  readonly stored: Promise<void>
  /** A list that came from outside, checked as a flow is when it is saved. Throws ActionError with all that is wrong. */
  check(list: unknown): Promise<StepLike[]>
}

export interface Action<Options> {
  /** What it does, for the API's documentation. */
  about: string
  options: Joi.ObjectSchema<Options>
  /** The engine answers the call first, so that no action has to. */
  needs?: 'answered'
  /**
   * Nothing outside the activeflow is touched, and nothing is waited for: run again from the last cursor that is in
   * MySQL it does the same, so the engine does not store the cursor before it.
   */
  sideEffectFree?: true
  /** It ends the activeflow at once, so the next to be stored is the end: a crash before that runs the last actions again. */
  final?: true
  /** It takes no time worth speaking of, though it does something: a loop of such actions only would spin. */
  instant?: true
  /** It needs no caller: it works after the call too, in the flow that follows one (`on_complete_flow_id`). */
  worksWithoutCaller?: true
  /** It works on large things that a customer brings: where the process dies, it may be of this. So may one that is `alone`. */
  heavy?: true
  /** It prepares itself while the engine stores the cursor, and waits for `run.stored` before it does what shows. */
  prefetch?: true
  /** Where the flow may go on after it, where that is not just the next action (which is `undefined`). */
  ways?(options: Options): (Jump | undefined)[]
  /**
   * Does it. Must find what an earlier run of the same action has made (`run.recovered`), and must not outlive
   * `run.signal`. One that works without a caller asks for no more than `CallFacts`.
   */
  run(run: ActionRun, options: Options, house: House): Promise<Jump | void>
}

/** The same actions without the types of their options: what the engine and the check of a flow work with. */
export type AnyAction = Action<object>

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The id of an action of the same list. It is checked when the list is saved, so it cannot come from a variable. */
export const actionId = Joi.string()
  .custom((value: string, helpers) => (uuid.test(value) ? value : helpers.error('action.id')))
  .messages({ 'action.id': '{{#label}} must be the id of an action of this list' })
  .meta({ format: 'uuid', isFixed: true })

/** The id of a flow; the customer's flows are looked through for it when the list is saved. */
export const flowId = Joi.string().guid({ separator: '-', wrapper: false }).lowercase()

/** Where something is asked or told. */
export const webUrl = Joi.string()
  .max(4_096)
  .custom((value: string, helpers) => (isWebUrl(value.slice(0, 4_096)) ? value : helpers.error('url.web')))
  .messages({ 'url.web': '{{#label}} must be a URL of http or https' })

function isWebUrl(text: string): boolean {
  return text.includes('${') || (/^https?:\/\//i.test(text) && URL.canParse(text))
}

/** Why an action could not be done. It is noted, and the flow goes on with the next action. */
export class ActionError extends Error {
  override name = 'ActionError'
}

/** What went wrong, when it is a thing that a user can understand, as an ActionError. */
export function inWords(error: unknown): never {
  throw error instanceof HashdialError ? new ActionError(error.message, { cause: error }) : error
}
