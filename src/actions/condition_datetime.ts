import Joi from 'joi'
import { actionId, type Action } from './action.ts'
import { conditions, holds, type Condition } from './compare.ts'

interface DatetimeOptions {
  condition: Condition
  /** -1, 0 for day and month, or nothing: any. */
  minute?: number
  hour?: number
  day?: number
  month?: number
  /** 0 is Sunday; none: every day. */
  weekdays?: number[]
  /** An IANA time zone; without it, UTC. */
  timezone?: string
  false_target_id: string
}

const timezone = Joi.string()
  .max(64)
  .custom((value: string, helpers) => (isTimezone(value) ? value : helpers.error('timezone.unknown')))
  .messages({ 'timezone.unknown': '{{#label}} is no time zone: give one such as Europe/Berlin' })

/**
 * Goes on with the next action when the time is as said, else with `false_target_id`. The fields that are given are
 * compared together, as one moment: `>=` with hour 9 and minute 30 is true at 10:00.
 */
export const condition_datetime: Action<DatetimeOptions> = {
  about: 'Goes on with the next action when the time is as said, else with `false_target_id`.',
  options: Joi.object({
    condition: Joi.valid(...conditions).required(),
    minute: Joi.number().integer().min(-1).max(59),
    hour: Joi.number().integer().min(-1).max(23),
    day: Joi.number().integer().min(-1).max(31),
    month: Joi.number().integer().min(-1).max(12),
    weekdays: Joi.array().items(Joi.number().integer().min(0).max(6)).max(7),
    timezone,
    false_target_id: actionId.required(),
  }),

  sideEffectFree: true,

  ways: ({ false_target_id }) => [undefined, { goto: false_target_id }],

  run: async (_call, options) => (isTime(options, new Date()) ? undefined : { goto: options.false_target_id }),
}

export function isTime(options: Omit<DatetimeOptions, 'false_target_id'>, now: Date): boolean {
  const { condition, weekdays = [], month = 0, day = 0, hour = -1, minute = -1 } = options
  const time = partsOf(now, options.timezone ?? 'UTC')
  if (weekdays.length > 0 && !weekdays.includes(time.weekday)) return false
  const pairs: [number, number][] = [
    ...(month > 0 ? [[time.month, month] as [number, number]] : []),
    ...(day > 0 ? [[time.day, day] as [number, number]] : []),
    ...(hour >= 0 ? [[time.hour, hour] as [number, number]] : []),
    ...(minute >= 0 ? [[time.minute, minute] as [number, number]] : []),
  ]
  const differs = pairs.find(([is, wanted]) => is !== wanted)
  return pairs.length === 0 || holds(condition, differs ? differs[0] - differs[1] : 0)
}

const weekdayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

function partsOf(now: Date, timeZone: string) {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', weekday: 'short' },
    ...{ month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' },
  })
  const parts = Object.fromEntries(format.formatToParts(now).map(({ type, value }) => [type, value]))
  const [month, day, hour, minute] = [parts.month, parts.day, parts.hour, parts.minute].map(Number)
  return { month: month!, day: day!, hour: hour!, minute: minute!, weekday: weekdayNames.indexOf(parts.weekday!) }
}

function isTimezone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone })
    return true
  } catch {
    return false
  }
}
