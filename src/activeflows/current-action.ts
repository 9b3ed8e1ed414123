import { ActionError, type ActionRun, type StepLike } from '../actions/action.ts'
import { checkActions } from '../actions/check.ts'
import type { Call } from '../calls/call.ts'
import type { CallRun } from '../calls/run.ts'
import type { Frame, Progress } from './activeflow.ts'

/** The action at the cursor of a list, as the action sees it. It outlives the cursor: some go on beside the list. */
export class CurrentAction implements ActionRun {
  readonly #run: CallRun
  readonly #progress: Progress
  readonly #frame: Frame
  readonly #cursor: number
  readonly id: string
  readonly tmBegin: string
  readonly memory: ActionRun['memory']

  constructor(
    run: CallRun,
    progress: Progress,
    readonly stored: Promise<void>,
    readonly save: () => Promise<void>,
    readonly onHeard?: () => void,
  ) {
    const { executions, memory, stack } = progress.state
    this.#run = run
    this.#progress = progress
    this.#frame = stack.at(-1)!
    this.#cursor = this.#frame.cursor
    this.id = `${progress.id}-${executions}`
    this.tmBegin = progress.executed_actions.at(-1)!.tm_start
    this.memory = memory
  }

  /** The engine lets no action that needs a caller run without one. */
  get call(): Call {
    return this.#run.call as Call
  }

  get signal(): AbortSignal {
    return this.#run.signal
  }

  get recovered(): boolean {
    return this.#run.recovered
  }

  get variables(): Record<string, string> {
    return this.#progress.state.variables
  }

  get digitsAhead(): string {
    return this.#progress.state.digits_ahead ?? ''
  }
  set digitsAhead(digits: string) {
    this.#progress.state.digits_ahead = digits
  }

  get count(): number {
    return this.#frame.counts?.[this.#cursor] ?? 0
  }
  set count(number: number) {
    this.#frame.counts = { ...this.#frame.counts, [this.#cursor]: number }
  }

  async check(list: unknown): Promise<StepLike[]> {
    const { actions, problems } = await checkActions(list, this.call.row.customer_id)
    if (problems.length === 0) return actions
    const told = problems.slice(0, 3).map(({ field, problem }) => `${field}: ${problem}`)
    throw new ActionError(`this is no list of actions: ${told.join('; ')}`)
  }
}
