import { setTimeout as delay } from 'node:timers/promises'
import { ActionError, type AnyAction, type Jump, type StepLike } from '../actions/action.ts'
import { actionOf } from '../actions/index.ts'
import { hasVariables, substitute } from '../actions/variables.ts'
import { AriError } from '../ari/types.ts'
import { callEnded, type Call } from '../calls/call.ts'
import { inTime, storedTooLate } from '../database/write-behind.ts'
import { now } from '../database.ts'
import { HashdialError } from '../errors.ts'
import { activeflowEntries, type ActiveflowRow, type ExecutedAction } from './activeflow.ts'
import { Pace } from './pace.ts'
import { CursorPlace } from './place.ts'
import { Trial } from './trial.ts'

/** The longest `executed_actions` that is kept: of a flow that runs for hours, its last actions. */
const remembered = 200

/** How many lists deep a flow may go. */
const deepest = 100

/** How large these lists may be together, in characters: they are stored before each action. */
const largest = 1_000_000

/** The longest result of an action that is kept. */
const longestResult = 1_000

/** So many bytes that are stored, filled in or read cost a customer as much as an action. */
const bytesPerAction = 4_096

/**
 * Runs an activeflow from where its cursor is until its list is done, an action ends it, or the caller hangs up; then
 * the call ends too. Where the cursor is, is in MySQL before an action runs, so after a crash the same action runs again.
 */
export async function runActiveflow(call: Call, flow: ActiveflowRow): Promise<void> {
  try {
    const pace = new Pace()
    const trial = new Trial(call, flow)
    await payForLists(call, flow)
    for (let step = next(flow); step && !call.ending; step = next(flow)) {
      await pace.keep(call.signal)
      const jump = await runStep(call, flow, step, trial)
      move(flow, jump)
      if (jump && 'push' in jump) await payForLists(call, flow)
    }
    await call.hangup('normal')
  } catch (error) {
    if (error !== callEnded) await fail(call, flow, error as Error)
  } finally {
    await call.exchange.errands.end(call, flow)
  }
}

/** Waits until the customer may have so much done: the flood of one must leave the calls of others alone. */
async function pay({ exchange, row, signal }: Call, cost: number): Promise<void> {
  const wait = exchange.underway.actions.take(row.customer_id, cost)
  if (wait > 0) await delay(wait, undefined, { signal }).catch(() => undefined)
}

/** The lists of a flow are read and, before each action, stored: those that are long count. */
async function payForLists(call: Call, flow: ActiveflowRow): Promise<void> {
  const size = sizeOf(flow)
  call.exchange.writes.expect(flow, size)
  await pay(call, size / bytesPerAction)
}

function sizeOf({ state: { stack } }: ActiveflowRow): number {
  return stack.reduce((sum, { actions }) => sum + measure(actions), 0)
}

/** The lengths of lists as JSON: a list never changes. */
const measured = new WeakMap<readonly StepLike[], number>()

function measure(list: readonly StepLike[]): number {
  const length = measured.get(list) ?? JSON.stringify(list).length
  measured.set(list, length)
  return length
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

async function runStep(call: Call, flow: ActiveflowRow, step: StepLike, trial: Trial): Promise<Jump | void> {
  const { executed, again } = begin(flow, step)
  const action = actionOf(step.type)
  const done = (result: string) =>
    void Object.assign(executed, { tm_end: now(), result: result.slice(0, longestResult) })
  if (!action) return done(`there is no action ${step.type}`)
  if (!call.hasCaller && !action.pure && !action.alone) return done('there is no caller any more')
  const verdict = await trial.of(action, step, again)
  if (verdict === 'refused') return done('Hashdial went down twice while it ran, so it is left out')
  const marked = verdict === 'marked'
  try {
    const isStored = marked || !(action.pure || action.final)
    await pay(call, 1 + (isStored ? call.exchange.writes.bytesOf(flow) / bytesPerAction : 0))
    const stored = isStored ? save(call, flow, marked) : Promise.resolve()
    stored.catch(() => undefined) // an eager action may end before it looks
    if (!action.eager || marked) await stored
    if (marked) trial.watch()
    return await untilDone(call, flow, action, step, stored, done)
  } finally {
    if (marked) trial.end()
    if (call.ended && executed.tm_end === null) done('hangup')
  }
}

async function untilDone(
  call: Call,
  flow: ActiveflowRow,
  action: AnyAction,
  step: StepLike,
  stored: Promise<void>,
  done: (result: string) => void,
): Promise<Jump | void> {
  for (;;) {
    try {
      const jump = await attempt(call, flow, action, step, stored)
      done('done')
      call.recovered = false
      return jump
    } catch (error) {
      if (error instanceof AriError) await hangupOnTheWay(call)
      if (call.interrupted) await call.resumed()
      else if (call.ended) throw callEnded
      else if (error instanceof ActionError) {
        call.recovered = false
        return done(error.message)
      } else throw error
    }
  }
}

/** Notes that the action begins; one that was interrupted by a crash goes on under its old number. */
function begin(flow: ActiveflowRow, step: StepLike): { executed: ExecutedAction; again: boolean } {
  const last = flow.executed_actions.at(-1)
  if (last?.tm_end === null) return { executed: last, again: true }
  const executed = { id: step.id ?? '', type: step.type, tm_start: now(), tm_end: null, result: '' }
  flow.state.executions++
  flow.state.memory = {}
  flow.executed_actions = [...flow.executed_actions.slice(1 - remembered), executed]
  return { executed, again: false }
}

async function attempt(
  call: Call,
  flow: ActiveflowRow,
  action: AnyAction,
  step: StepLike,
  stored: Promise<void>,
): Promise<Jump | void> {
  const { options, characters } = fillIn(action, step.option, flow.state.variables)
  if (characters > bytesPerAction) await pay(call, characters / bytesPerAction)
  if (action.needs === 'answered') await call.answer()
  return action.run(call, options, new CursorPlace(call, flow, stored))
}

/**
 * Asterisk refuses what is asked of a channel that is hanging up before it tells of the hangup: waits for that news, so
 * that a caller who left is not taken for a mistake.
 */
async function hangupOnTheWay({ signal }: Call): Promise<void> {
  if (!signal.aborted) await delay(1_000, undefined, { signal }).catch(() => undefined)
}

/** The options with the variables in them. What they are now must still be what the action takes. */
function fillIn(
  action: AnyAction,
  option: object,
  variables: Record<string, string>,
): { options: object; characters: number } {
  const { actions, ...own } = option as { actions?: unknown }
  // The schemas have checked the options when the list was saved; only what variables change is checked again.
  if (!hasVariables(own)) return { options: option, characters: 0 }
  const { filled, characters } = substitute(own, variables)
  // A list of actions is another call's, whose variables they will have.
  const checked: { value: object; error?: Error | undefined } = action.options.validate({
    ...filled,
    ...(actions !== undefined && { actions }),
  })
  if (checked.error)
    throw new ActionError(`its options, with the variables in them, are wrong: ${checked.error.message}`)
  return { options: checked.value, characters }
}

function move(flow: ActiveflowRow, jump: Jump | void): void {
  const { stack } = flow.state
  const frame = stack.at(-1)!
  const at = (id: string) => frame.actions.findIndex((step) => step.id === id)
  if (jump && 'end' in jump) stack.length = 0
  else if (jump && 'goto' in jump) frame.cursor = at(jump.goto)
  else {
    const followed = at(frame.actions[frame.cursor]!.next_id || 'no id')
    frame.cursor = followed >= 0 ? followed : frame.cursor + 1
    if (!jump) return
    if (stack.length >= deepest) throw new Error(`the flow went ${deepest} lists deep`)
    stack.push({ actions: jump.push, cursor: 0 })
    if (sizeOf(flow) > largest) throw new Error(`the lists that the flow is in have over ${largest} bytes`)
  }
}

/**
 * Stores the cursor. A new call is not begun without its row, which says where its activeflow begins; one that is under
 * way goes on when MySQL does not answer, for a caller is worth more than the cursor, which is stored later.
 */
async function save(call: Call, flow: ActiveflowRow, marked: boolean): Promise<void> {
  const first = !call.stored
  const atStart = first && flow.state.executions === 1 && !marked
  const entries = activeflowEntries(call.exchange, flow)
  // What the call has become meanwhile goes along: a recovery looks at both.
  if (!first && call.exchange.writes.waits('calls', call.row)) entries.push(['calls', call.row])
  const flowSaved = call.exchange.writes.store(entries, atStart ? 'soon' : 'now')
  flowSaved.catch(() => undefined)
  const saved = Promise.all([atStart ? undefined : flowSaved, first ? call.save() : undefined])
  if (!(await inTime(saved)) && first) throw storedTooLate()
}

async function fail(call: Call, flow: ActiveflowRow, error: Error): Promise<void> {
  call.log.error({ err: error, activeflow: flow.id }, 'an activeflow ended with an error')
  // Not 503, with which Kamailio would try the next Asterisk: what the flow has done would be done again there.
  await call
    .hangup('failed', error instanceof HashdialError ? 503 : 500)
    .catch((reason: unknown) => call.log.warn({ err: reason as Error }, 'hangup failed'))
}
