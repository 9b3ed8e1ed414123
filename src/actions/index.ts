import type { Action, AnyAction } from './action.ts'
import { ai_talk } from './ai_talk.ts'
import { amd } from './amd.ts'
import { answer } from './answer.ts'
import { beep } from './beep.ts'
import { branch } from './branch.ts'
import { call } from './call.ts'
import { condition_datetime } from './condition_datetime.ts'
import { condition_variable } from './condition_variable.ts'
import { conference_join } from './conference_join.ts'
import { connect } from './connect.ts'
import { digits_receive } from './digits_receive.ts'
import { digits_send } from './digits_send.ts'
import { echo } from './echo.ts'
import { external_media_start } from './external_media_start.ts'
import { external_media_stop } from './external_media_stop.ts'
import { fetch } from './fetch.ts'
import { fetch_flow } from './fetch_flow.ts'
import { goto } from './goto.ts'
import { hangup } from './hangup.ts'
import { listen } from './listen.ts'
import { mute } from './mute.ts'
import { play } from './play.ts'
import { queue_join } from './queue_join.ts'
import { recording_start } from './recording_start.ts'
import { recording_stop } from './recording_stop.ts'
import { sleep } from './sleep.ts'
import { stop } from './stop.ts'
import { talk } from './talk.ts'
import { transcribe_start } from './transcribe_start.ts'
import { transcribe_stop } from './transcribe_stop.ts'
import { variable_set } from './variable_set.ts'
import { webhook_send } from './webhook_send.ts'

/** The registry: an action is its file and one line here. */
export const actions = {
  ai_talk,
  amd,
  answer,
  beep,
  branch,
  call,
  condition_datetime,
  condition_variable,
  conference_join,
  /** The same, as flows of the same language call it too. */
  confbridge_join: conference_join,
  connect,
  digits_receive,
  digits_send,
  echo,
  external_media_start,
  external_media_stop,
  fetch,
  fetch_flow,
  goto,
  hangup,
  listen,
  mute,
  play,
  queue_join,
  recording_start,
  recording_stop,
  sleep,
  stop,
  talk,
  transcribe_start,
  transcribe_stop,
  variable_set,
  webhook_send,
}

type Registry = typeof actions

/** An action in a list, with the options of its type: a wrong option is a compile error. */
export type Step = {
  [Type in keyof Registry]: { id?: string; next_id?: string; type: Type; option: OptionsOf<Registry[Type]> }
}[keyof Registry]

type OptionsOf<A> = A extends Action<infer Options> ? Options : never

/** The action of that type, or undefined. */
export function actionOf(type: string): AnyAction | undefined {
  return Object.hasOwn(actions, type) ? actions[type as keyof Registry] : undefined
}
