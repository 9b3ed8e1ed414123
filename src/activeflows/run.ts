import { ActionError, type Action, type Jump, type Place, type StepLike } from '../actions/action.ts'
import { actions } from '../actions/index.ts'
import { callEnded, type Call } from '../calls/call.ts'
import { now } from '../database.ts'
import { HashdialError } from '../errors.ts'
import type { ActiveflowRow, ExecutedAction } from './activeflow.ts'

/** The longest `executed_actions` that is kept: of a flow that runs for hours, its last actions. */
const remembered = 200

/** How long an action waits for MySQL, in milliseconds. */
const patience = 2_000

/**
 * Runs an activeflow from where its cursor is until its list is done, an action ends it, or the caller hangs up; then
 * the call ends too. Where the cursor is, is in MySQL before an action runs, so after a crash the same action runs again.
 */
export async function runActiveflow(call: Call, flow: ActiveflowRow): Promise<void> {
  try {
    for (let step = next(flow); step && !call.ending; step = next(flow)) {
      const executed = begin(flow, step)
      await save(call, flow)
      const jump = await runAction(call, flow, step, executed)
      move(flow, jump)
    }
    await call.hangup('normal')
  } catch (error) {
    if (error !== callEnded) await fail(call, flow, error as Error)
  } finally {
    Object.assign(flow, { status: 'ended', tm_end: now() })
    call.exchange.journal
      .save('activeflows', flow, 'soon')
      .catch((error: unknown) => call.log.warn({ err: error as Error }, 'the end of an activeflow is not recorded'))
  }
}

/** The action at the cursor; lists that are done are left. */
function next(flow: ActiveflowRow): StepLike | undefined {
  const { stack } = flow.state
  for (;;) {
    const frame = stack.at(-1)
    if (!frame) return undefined
    const step = frame.actions[frame.cursor]
    if (step) return step
    stack.pop()
  }
}

/** Notes that the action begins; one that was interrupted by a crash goes on under its old number. */
function begin(flow: ActiveflowRow, step: StepLike): ExecutedAction {
  const last = flow.executed_actions.at(-1)
  if (last?.tm_end === null) return last
  const executed = { id: step.id ?? '', type: step.type, tm_start: now(), tm_end: null, result: '' }
  flow.state.executions++
  flow.state.memory = {}
  flow.executed_actions = [...flow.executed_actions.slice(1 - remembered), executed]
  return executed
}

async function runAction(
  call: Call,
  flow: ActiveflowRow,
  step: StepLike,
  executed: ExecutedAction,
): Promise<Jump | void> {
  const { journal } = call.exchange
  const { executions, variables, memory } = flow.state
  const save = () => journal.save('activeflows', flow)
  const place: Place = { id: `${flow.id}-${executions}`, variables, memory, save }
  // The registry's schemas have checked the options when the list was saved.
  const action = actions[step.type as keyof typeof actions] as unknown as Action<object>
  const done = (result: string) => Object.assign(executed, { tm_end: now(), result })
  for (;;) {
    try {
      if (action.needs === 'answered') await call.answer()
      const jump = await action.run(call, step.option, place)
      done('done')
      call.recovered = false
      return jump
    } catch (error) {
      if (call.interrupted) await call.resumed()
      else if (call.ended) throw callEnded
      else if (error instanceof ActionError) return void done(error.message)
      else throw error
    } finally {
      if (call.ended && executed.tm_end === null) done('hangup')
    }
  }
}

function move(flow: ActiveflowRow, jump: Jump | void): void {
  const { stack } = flow.state
  const frame = stack.at(-1)!
  if (jump && 'end' in jump) stack.length = 0
  else if (jump && 'goto' in jump) frame.cursor = frame.actions.findIndex(({ id }) => id === jump.goto)
  else {
    const step = frame.actions[frame.cursor]!
    const followed = step.next_id ? frame.actions.findIndex(({ id }) => id === step.next_id) : -1
    frame.cursor = followed >= 0 ? followed : frame.cursor + 1
    if (jump && 'push' in jump) stack.push({ actions: jump.push, cursor: 0 })
  }
}

/**
 * Stores the cursor. A new call is not begun without it; one that is under way goes on when MySQL does not answer, for
 * a caller is worth more than the cursor (the journal stores it when MySQL is back).
 */
async function save(call: Call, flow: ActiveflowRow): Promise<void> {
  const { journal } = call.exchange
  const first = flow.state.executions === 1
  const saved = Promise.all([journal.save('activeflows', flow), first ? call.save() : undefined])
  const inTime = await within(patience, saved)
  if (first && !inTime)
    throw new HashdialError('UNAVAILABLE', 'DATABASE_AWAY', 'the database did not take the call in time')
}

/** Waits for the promise, but not longer than `ms`: did it resolve? */
async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, ms, false)))
  return Promise.race([promise.then(() => true), late]).finally(() => clearTimeout(timer))
}

async function fail(call: Call, flow: ActiveflowRow, error: Error): Promise<void> {
  call.log.error({ err: error, activeflow: flow.id }, 'an activeflow ended with an error')
  await call.hangup('failed', 503).catch((reason: unknown) => call.log.warn({ err: reason as Error }, 'hangup failed'))
}
