import Joi from 'joi'
import { Inbox } from '../ari/inbox.ts'
import type { Call } from '../calls/call.ts'
import type { Action, Place } from './action.ts'
import { digitsVariable, takeAhead } from './keys.ts'
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

  async run(call, options, place) {
    const since = performance.now()
    const memory: Memory = place.memory
    let waiting = memory.keys === undefined ? takeAhead(place) : ''
    memory.keys ??= ''
    memory.until ??= Date.now() + (options.duration ?? 5_000)
    store(call, place)
    const inbox = new Inbox(call.node, call.signal, call.channelId)
    try {
      for (;;) {
        waiting = count(waiting + call.keypad.take(since), options, call, place)
        if (isComplete(memory.keys, options)) return call.keypad.putBack(waiting)
        if (!(await inbox.next(performance.now() + memory.until - Date.now()))) return
      }
    } finally {
      inbox.close()
    }
  },
}

/** Counts keys one by one until they are enough; answers those that are too many. */
function count(keys: string, options: DigitsOptions, call: Call, place: Place): string {
  const memory: Memory = place.memory
  let rest = keys
  while (rest !== '' && !isComplete(memory.keys ?? '', options)) {
    memory.keys = (memory.keys ?? '') + rest[0]
    setVariable(place.variables, digitsVariable, (place.variables[digitsVariable] ?? '') + rest[0])
    rest = rest.slice(1)
  }
  if (rest !== keys) store(call, place)
  return rest
}

function isComplete(keys: string, { key = '', length = 0 }: DigitsOptions): boolean {
  return (length > 0 && keys.length >= length) || (keys !== '' && key.includes(keys.at(-1)!))
}

/** Not waited for: the caller presses on while MySQL is busy, or away. */
function store(call: Call, place: Place): void {
  place.save().catch((error: unknown) => call.log.warn({ err: error as Error }, 'pressed keys are not stored'))
}
