import Joi from 'joi'
import type { Action, ActionRun } from './action.ts'
import { digitsVariable, takeAhead } from './digits.ts'
import { setVariable } from './variables.ts'

interface DigitsOptions {
  duration?: number
  key?: string
  length?: number
}

/** What a run after a crash has to know: the keys so far, and when it ends (milliseconds since 1970). */
interface Memory {
  keys?: string
  until?: number
}

/**
 * Takes what the caller presses until there are `length` keys, one of `key` was among them, or `duration` is over. It
 * comes at the end of hashdial.call.digits. Keys that were pressed during a play or talk before it count.
 */
export const digits_receive: Action<DigitsOptions> = {
  about: 'Collects the digits that the caller presses, at the end of `hashdial.call.digits`.',
  options: Joi.object({
    duration: Joi.number().integer().min(0).max(600_000).unit('milliseconds'),
    key: Joi.string()
      .allow('')
      .pattern(/^[0-9A-D*#]*$/),
    length: Joi.number().integer().min(0).max(100),
  }),

  needs: 'answered',

  async run(run, options) {
    const since = performance.now()
    const { dtmf } = run.call
    const memory: Memory = run.memory
    let waiting = memory.keys === undefined ? takeAhead(run) : ''
    memory.keys ??= ''
    memory.until ??= Date.now() + (options.duration ?? 5_000)
    store(run)
    const deadline = performance.now() + memory.until - Date.now()
    for (;;) {
      waiting = count(waiting + dtmf.take(since), options, run)
      if (isComplete(memory.keys, options)) return dtmf.putBack(waiting)
      if (performance.now() >= deadline) return
      await dtmf.change(run.signal, deadline)
    }
  },
}

/** Counts keys one by one until they are enough; answers those that are too many. */
function count(keys: string, options: DigitsOptions, run: ActionRun): string {
  const { variables } = run
  const memory: Memory = run.memory
  let rest = keys
  while (rest !== '' && !isComplete(memory.keys ?? '', options)) {
    memory.keys = (memory.keys ?? '') + rest[0]
    setVariable(variables, digitsVariable, (variables[digitsVariable] ?? '') + rest[0])
    rest = rest.slice(1)
  }
  if (rest !== keys) store(run)
  return rest
}

function isComplete(keys: string, { key = '', length = 0 }: DigitsOptions): boolean {
  return (length > 0 && keys.length >= length) || (keys !== '' && key.includes(keys.at(-1)!))
}

/** Not waited for: the caller presses on while MySQL is busy, or away. */
function store(run: ActionRun): void {
  run.save().catch((error: unknown) => run.call.log.warn({ err: error as Error }, 'pressed keys are not stored'))
}
