import type { House } from '../actions/house.ts'
import type { Beside } from '../acd/wait-sound.ts'
import type { Call } from '../calls/call.ts'
import { CallRun, type StepLike } from '../calls/run.ts'
import { callEnded, cancelled, handedOver, interrupted } from '../calls/signals.ts'
import { progressBeside } from './command.ts'
import { ListRun, notKept } from './run.ts'

const ends: unknown[] = [callEnded, cancelled, handedOver, interrupted]

/** Runs a list of actions for a call beside what its flow does. After a crash nobody goes on with it. */
export function runBeside(
  house: House,
  call: Call,
  steps: readonly StepLike[],
  variables: Record<string, string>,
  before: () => Promise<void>,
): Beside {
  const run = new CallRun(call, call)
  const list = new ListRun(house, run, progressBeside(call, steps, variables), { ...notKept, before })
  const done = list.untilEnd().catch((err: unknown) => {
    if (!ends.includes(err)) call.log.warn({ err: err as Error }, 'a list of actions beside a flow ended early')
  })
  return { done, cancel: () => run.cancel() }
}
