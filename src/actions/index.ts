import type { Action, AnyAction } from './action.ts'
import { connect } from './connect.ts'

/** The registry: an action is its file and one line here. */
export const actions = { connect }

type Registry = typeof actions

/** An action in a list, with the options of its type: a wrong option is a compile error. */
export type Step = {
  [Type in keyof Registry]: { id?: string; next_id?: string; type: Type; option: OptionsOf<Registry[Type]> }
}[keyof Registry]

type OptionsOf<A> = A extends Action<infer Options> ? Options : never

/** The action of that type, or undefined. */
export function actionOf(type: string): AnyAction | undefined {
  return Object.hasOwn(actions, type) ? (actions[type as keyof Registry]) : undefined
}
