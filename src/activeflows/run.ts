import { setTimeout as delay } from 'node:timers/promises'
import { ActionError, type AnyAction, type Jump, type StepLike } from '../actions/action.ts'
import type { House } from '../actions/house.ts'
import { actionOf } from '../actions/index.ts'
import { hasVariables, substitute } from '../actions/variables.ts'
import { isInterrupted, type CallRun } from '../calls/run.ts'
import { now } from '../database.ts'
import type { ExecutedAction, Progress } from './activeflow.ts'
import { CurrentAction } from './current-action.ts'
import { Pace } from './pace.ts'
import type { Trial } from './trial.ts'

/** The longest `executed_actions` that is kept: of a flow that runs for hours, its last actions. */
const executedMax = 200

/** How many lists deep a flow may go. */
const depthMax = 100

/** How large these lists may be together, in characters: they are stored before each action. */
const listsBytesMax = 1_000_000

/** The longest result of an action that is kept. */
const resultBytesMax = 1_000

/** So many bytes that are stored, filled in or read cost a customer as much as an action. */
const bytesPerAction = 4_096

/** How a run's progress is kept. */
export interface Keeper {
  /** Stores it before an action runs. `isOnTrial`: what comes may take the process down. */
  before(isOnTrial: boolean): Promise<void>
  /** Stores it now. */
  now(): Promise<void>
  /** How many bytes that is. */
  readonly bytes: number
  /** A list of so many bytes was entered. */
  expect(bytes: number): void
  /** Looks for the action that takes the process down. */
  readonly trial?: Trial
}

/** Nobody goes on with it after a crash. */
export const notKept: Keeper = {
  before: async () => undefined,
  now: async () => undefined,
  bytes: 0,
  expect: () => undefined,
}

/** Who is told what becomes of its actions, beside the progress. */
interface Told {
  /** Something of an action is heard. */
  readonly onHeard?: () => void
  /** An action could not be done; the list goes on. */
  readonly onFailed?: (error: ActionError) => void
}

/** A list of actions that is run for a call, or after it: its actions, one after another. */
export class ListRun {
  constructor(
    readonly house: House,
    readonly run: CallRun,
    readonly progress: Progress,
    readonly keeper: Keeper,
    readonly told: Told = {},
  ) {}

  /**
   * From where the cursor is until the list is done or an action ends it. Where the cursor is, is kept before an action
   * runs, so after a crash the same action runs again. Throws the run's reason when that is over before.
   */
  async untilEnd(): Promise<void> {
    const { progress, run } = this
    const pace = new Pace()
    await this.#payForLists()
    for (let step = next(progress); step && !run.caller?.hangingUp; step = next(progress)) {
      await pace.keep(run.signal)
      if (!isInterrupted(run)) run.signal.throwIfAborted()
      const jump = await this.#step(step)
      move(progress, jump)
      if (jump && 'push' in jump) await this.#payForLists()
    }
  }

  /** Waits until the customer may have so much done: the flood of one must leave the calls of others alone. */
  async #pay(cost: number): Promise<void> {
    const { call, signal } = this.run
    const wait = this.house.underway.actions.take(call.row.customer_id, cost)
    if (wait > 0) await delay(wait, undefined, { signal }).catch(() => undefined)
  }

  /** The lists of a flow are read and, before each action, stored: those that are long count. */
  async #payForLists(): Promise<void> {
    const size = sizeOf(this.progress)
    this.keeper.expect(size)
    await this.#pay(size / bytesPerAction)
  }

  async #step(step: StepLike): Promise<Jump | void> {
    const { keeper, progress, run } = this
    const { executed, again } = begin(progress, step)
    const action = actionOf(step.type)
    const done = (result: string) =>
      void Object.assign(executed, { tm_end: now(), result: result.slice(0, resultBytesMax) })
    if (!action) return done(`there is no action ${step.type}`)
    if (!run.caller && !action.sideEffectFree && !action.worksWithoutCaller) return done('there is no caller any more')
    const verdict = (await keeper.trial?.of(action, step, again)) ?? 'free'
    if (verdict === 'refused') return done('Hashdial went down three times while it ran, so it is left out')
    const marked = verdict === 'marked'
    try {
      const isStored = marked || !(action.sideEffectFree || action.final)
      await this.#pay(1 + (isStored ? keeper.bytes / bytesPerAction : 0))
      const stored = isStored ? keeper.before(marked) : Promise.resolve()
      stored.catch(() => undefined) // one that prefetches may end before it looks
      if (!action.prefetch || marked) await stored
      if (marked) keeper.trial?.watch()
      return await this.#untilDone(action, step, stored, done)
    } finally {
      if (marked) keeper.trial?.end()
      if ((run.caller?.hasEnded || !run.caller) && run.signal.aborted && executed.tm_end === null) done('hangup')
    }
  }

  async #untilDone(
    action: AnyAction,
    step: StepLike,
    stored: Promise<void>,
    done: (result: string) => void,
  ): Promise<Jump | void> {
    const { run } = this
    try {
      const jump = await run.untilDone(() => this.#attempt(action, step, stored))
      done('done')
      run.recovered = false
      return jump
    } catch (error) {
      if (!(error instanceof ActionError)) throw error
      run.recovered = false
      done(error.message)
      this.told.onFailed?.(error)
    }
  }

  async #attempt(action: AnyAction, step: StepLike, stored: Promise<void>): Promise<Jump | void> {
    const { house, keeper, progress, run } = this
    const { options, characters } = fillIn(action, step.option, progress.state.variables)
    if (characters > bytesPerAction) await this.#pay(characters / bytesPerAction)
    if (action.needs === 'answered') await run.caller?.answer()
    const current = new CurrentAction(run, progress, stored, () => keeper.now(), this.told.onHeard)
    return action.run(current, options, house)
  }
}

/** The action at the cursor; lists that are done are left. */
function next({ state: { stack } }: Progress): StepLike | undefined {
  for (;;) {
    const frame = stack.at(-1)
    if (!frame) return undefined
    const step = frame.actions[frame.cursor]
    if (step) return step
    stack.pop()
  }
}

function sizeOf({ state: { stack } }: Progress): number {
  return stack.reduce((sum, { actions }) => sum + measure(actions), 0)
}

/** The lengths of lists as JSON: a list never changes. */
const measured = new WeakMap<readonly StepLike[], number>()

function measure(list: readonly StepLike[]): number {
  const length = measured.get(list) ?? JSON.stringify(list).length
  measured.set(list, length)
  return length
}

/** Notes that the action begins; one that was interrupted by a crash goes on under its old number. */
function begin(progress: Progress, step: StepLike): { executed: ExecutedAction; again: boolean } {
  const last = progress.executed_actions.at(-1)
  if (last?.tm_end === null) return { executed: last, again: true }
  const executed = { id: step.id ?? '', type: step.type, tm_start: now(), tm_end: null, result: '' }
  progress.state.executions++
  progress.state.memory = {}
  progress.executed_actions = [...progress.executed_actions.slice(1 - executedMax), executed]
  return { executed, again: false }
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

function move(progress: Progress, jump: Jump | void): void {
  const { stack } = progress.state
  const frame = stack.at(-1)!
  const at = (id: string) => frame.actions.findIndex((step) => step.id === id)
  if (jump && 'end' in jump) stack.length = 0
  else if (jump && 'goto' in jump) frame.cursor = at(jump.goto)
  else {
    const followed = at(frame.actions[frame.cursor]!.next_id || 'no id')
    frame.cursor = followed >= 0 ? followed : frame.cursor + 1
    if (!jump) return
    if (stack.length >= depthMax) throw new Error(`the flow went ${depthMax} lists deep`)
    stack.push({ actions: jump.push, cursor: 0 })
    if (sizeOf(progress) > listsBytesMax)
      throw new Error(`the lists that the flow is in have over ${listsBytesMax} bytes`)
  }
}
