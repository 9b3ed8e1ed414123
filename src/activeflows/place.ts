import { ActionError, type Place, type StepLike } from '../actions/action.ts'
import { checkActions } from '../actions/check.ts'
import type { Call } from '../calls/call.ts'
import { storeActiveflow, type ActiveflowRow, type Frame } from './activeflow.ts'

/** The place of the action at the cursor. */
export class CursorPlace implements Place {
  readonly #call: Call
  readonly #flow: ActiveflowRow
  readonly #frame: Frame
  readonly #cursor: number
  readonly id: string
  readonly begun: string
  readonly variables: Place['variables']
  readonly memory: Place['memory']

  constructor(
    call: Call,
    flow: ActiveflowRow,
    readonly stored: Promise<void>,
  ) {
    const { executions, variables, memory, stack } = flow.state
    this.#call = call
    this.#flow = flow
    this.#frame = stack.at(-1)!
    this.#cursor = this.#frame.cursor
    this.id = `${flow.id}-${executions}`
    this.begun = flow.executed_actions.at(-1)!.tm_start
    this.variables = variables
    this.memory = memory
  }

  get count(): number {
    return this.#frame.counts?.[this.#cursor] ?? 0
  }
  set count(number: number) {
    this.#frame.counts = { ...this.#frame.counts, [this.#cursor]: number }
  }

  save(): Promise<void> {
    return storeActiveflow(this.#call.exchange, this.#flow)
  }

  async check(list: unknown): Promise<StepLike[]> {
    const { actions, problems } = await checkActions(list, this.#call.row.customer_id)
    if (problems.length === 0) return actions
    const told = problems.slice(0, 3).map(({ field, problem }) => `${field}: ${problem}`)
    throw new ActionError(`this is no list of actions: ${told.join('; ')}`)
  }
}
