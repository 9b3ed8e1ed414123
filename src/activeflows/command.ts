import type { ActionError } from '../actions/action.ts'
import type { House } from '../actions/house.ts'
import { actionOf } from '../actions/index.ts'
import { AriError } from '../ari/types.ts'
import type { Call } from '../calls/call.ts'
import { CallRun, type StepLike } from '../calls/run.ts'
import { callEnded, handedOver } from '../calls/signals.ts'
import { HashdialError } from '../errors.ts'
import type { Progress } from './activeflow.ts'
import { ListRun, notKept } from './run.ts'

/** Two commands may come in the same millisecond. */
let lastNumber = 0

/** Actions that run beside the flow of a call, from the first. Their ids belong to the call, and are none of the engine's own. */
export function progressBeside(call: Call, actions: readonly StepLike[], variables: Record<string, string>): Progress {
  lastNumber = Math.max(lastNumber + 1, Date.now())
  const state = { stack: [{ actions, cursor: 0 }], executions: 0, variables, memory: {} }
  return { id: `${call.row.activeflow_id}-${lastNumber}`, state, executed_actions: [] }
}

/**
 * Runs one action beside what the call's flow does. Resolves when it is done, or when something of it is heard, and it
 * goes on until its end or the call's; rejects with a HashdialError that says why it cannot be done.
 */
export async function runCommand(
  house: House,
  call: Call,
  step: StepLike,
  variables: Record<string, string> = {},
): Promise<void> {
  // An order of the API does not wait until somebody answers.
  if (call.outgoing && !call.answered && actionOf(step.type)?.needs === 'answered') throw notReady('it is ringing')
  const run = new CallRun(call, call)
  const progress = progressBeside(call, [step], variables)
  let onHeard = () => undefined as void
  const heard = new Promise<void>((resolve) => (onHeard = resolve))
  let failure: ActionError | undefined
  const told = { onHeard, onFailed: (error: ActionError) => void (failure = error) }
  const done = new ListRun(house, run, progress, notKept, told).untilEnd().then(() => {
    if (failure) throw inApiWords(failure)
  })
  done.catch((error: unknown) => {
    if (error !== callEnded) call.log.warn({ err: error as Error, command: step.type }, 'a command was not carried out')
  })
  await Promise.race([done, heard]).catch((error: unknown) => {
    throw error === callEnded ? ended() : inApiWords(error)
  })
}

/** Why an action was not done, as the API says it. */
function inApiWords(error: unknown): unknown {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  if (cause instanceof HashdialError) return cause
  if (cause === handedOver) return new HashdialError('UNAVAILABLE', 'CALL_ELSEWHERE', handedOver.message)
  if (cause instanceof AriError && cause.status === 0)
    return new HashdialError('UNAVAILABLE', 'ASTERISK_AWAY', cause.message)
  if (cause instanceof AriError) return notReady(cause.message)
  return error instanceof Error && error.name === 'ActionError' ? notReady(error.message) : error
}

function notReady(why: string): HashdialError {
  return new HashdialError('FAILED_PRECONDITION', 'CALL_NOT_READY', `it was refused: ${why}`)
}

function ended(): HashdialError {
  return new HashdialError('FAILED_PRECONDITION', 'CALL_ALREADY_HANGUP', 'the call has ended')
}
