import Joi from 'joi'
import { givenTags, shownTags } from './agent-tags.ts'
import { common, detail, direct, id, milliseconds, name, text, time, times } from './fields.ts'

const hour = 3_600_000
const count = () => Joi.number().integer().min(0)
const flow = (what: string) => id().allow(null).description(`${what}; null: the flow goes on with its next action.`)

const settings = {
  routing_method: Joi.valid('longest_idle', 'round_robin', 'ring_all', 'random', 'least_calls', 'linear').description(
    'Which of the agents who are free gets the next caller; ring_all: who answers first.',
  ),
  agent_ids: Joi.array()
    .items(id())
    .max(500)
    .unique()
    .description('These agents only, and in this order for linear and round_robin; []: all who have the tags.'),
  skill_steps: Joi.array()
    .items(
      Joi.object({
        after: milliseconds(24 * hour)
          .required()
          .description('How long the caller has waited.'),
        levels_less: Joi.number().integer().min(1).max(9).required(),
      }),
    )
    .max(20)
    .description('How far the levels that are required fall while a caller waits.'),
  wait_flow_id: id().allow(null).description('What a caller hears while they wait, again and again; null: music.'),
  announce_interval: milliseconds(hour)
    .custom((value: number, { error }) => (value > 0 && value < 15_000 ? error('announce.often') : value))
    .messages({ 'announce.often': '{{#label}} must be 0, or at least 15000 milliseconds' })
    .description('How long after an announcement the next one is made, at least 15 s; 0: there is none.'),
  announce_text: text(1_000).description(
    'What a caller hears then, before the wait flow or over the music; ${hashdial.queuecall.position} and ${hashdial.queuecall.estimated_wait} (seconds; empty: nobody can tell) are filled in. "": nothing.',
  ),
  wait_timeout: milliseconds(24 * hour).description('How long a caller waits at most; 0: as long as it takes.'),
  service_timeout: milliseconds(24 * hour).description('How long the two talk at most; 0: no limit.'),
  ring_timeout: milliseconds(180_000).min(1_000).description('How long an agent is rung.'),
  wrap_up: milliseconds(hour).description('How long an agent is left alone after a caller.'),
  max_waiting: count().max(100_000).description('How many may wait; 0: no limit.'),
  join_empty: Joi.boolean().description('Callers may come while no agent is on duty.'),
  leave_when_empty: Joi.boolean().description('Callers are sent on when no agent is on duty any more.'),
  max_misses: count().max(100).description('After so many in a row that an agent did not take it is away; 0: never.'),
  no_answer_delay: milliseconds(hour).description(
    'How long an agent who did not answer is left alone with the same caller.',
  ),
  reject_delay: milliseconds(hour).description('The same of one who refused them.'),
  busy_delay: milliseconds(hour).description('The same of one who was busy, or could not be reached.'),
  priority_seconds: count().max(86_400).description('How many seconds of waiting one point of priority is worth.'),
  service_level: milliseconds(hour).description('Who is answered within this time was answered soon.'),
  recording: Joi.valid('auto', 'none').description('auto: each talk is recorded, from the answer on.'),
  whisper: text(1_000).description(
    'What an agent is told before the two are connected; ${hashdial.queue.name} and ${hashdial.queuecall.wait} (in words) are filled in. "": nothing.',
  ),
  callback_key: Joi.string()
    .allow('')
    .pattern(/^[0-9*#]$/)
    .messages({ 'string.pattern.base': '{{#label}} must be one key: a digit, * or #' })
    .description(
      'By this key a caller asks to be called back when it is their turn, and by it whoever answers then confirms; "": they cannot ask, and confirm with 1. The number that a caller shows may be forged, and a call to it costs what it costs.',
    ),
  callback_attempts: count().min(1).max(10).description('How often a caller is called back until somebody confirms.'),
  callback_delay: milliseconds(hour).description('How long after it was promised nobody is called.'),
  callback_retry_delay: milliseconds(24 * hour).description('The same after a call that nobody confirmed.'),
  callback_text: text(1_000).description('What is said when a callback is promised; "": nothing.'),
  callback_prompt: text(1_000).description('What is said, twice, to whoever answers: it has to name the key.'),
  on_timeout_flow_id: flow('What a caller gets when they have waited for too long'),
  on_empty_flow_id: flow('What they get when no agent is on duty'),
  on_full_flow_id: flow('What they get when too many wait'),
}

const defaults: Readonly<Record<string, string | number | boolean | null | readonly never[]>> = {
  ...{ name: '', detail: '', routing_method: 'longest_idle', agent_ids: [], skill_steps: [], tag_ids: [] },
  ...{ wait_flow_id: null, wait_timeout: 0, service_timeout: 0, ring_timeout: 15_000, wrap_up: 0, max_waiting: 0 },
  ...{ join_empty: true, leave_when_empty: false, max_misses: 0, no_answer_delay: 5_000, reject_delay: 15_000 },
  ...{ busy_delay: 10_000, priority_seconds: 60, service_level: 20_000, recording: 'none', whisper: '' },
  ...{ callback_key: '', callback_attempts: 3, callback_delay: 10_000, callback_retry_delay: 300_000 },
  ...{ announce_interval: 0, announce_text: 'You are number ${hashdial.queuecall.position} in line. Please wait.' },
  callback_text: 'Thank you. We call you back when it is your turn. Goodbye.',
  callback_prompt: 'You asked us to call you back. Press 1 to talk with us.',
  ...{ on_timeout_flow_id: null, on_empty_flow_id: null, on_full_flow_id: null },
}

const given = { name, detail, ...settings, tag_ids: givenTags }

const counters = {
  total_serviced_count: count().required(),
  total_abandoned_count: count().required().description('Who was not served, for whatever reason.'),
}

export const createSchema = Joi.object(
  Object.fromEntries(
    Object.entries(given).map(([field, schema]) => [field, schema.default(defaults[field] as never)] as const),
  ),
)

export const updateSchema = Joi.object(given)

export const readSchema = Joi.object({
  ...common,
  ...Object.fromEntries(Object.entries(settings).map(([field, schema]) => [field, schema.required()])),
  tag_ids: shownTags,
  wait_queuecall_ids: Joi.array().items(id()).required().description('Who waits, in the order in which they came.'),
  service_queuecall_ids: Joi.array().items(id()).required().description('Who talks with an agent.'),
  total_incoming_count: count().required(),
  ...counters,
  ...direct,
  ...times,
})

const part = () => Joi.number().min(0).max(1).allow(null).required()

export const stateSchema = Joi.object({
  waiting_count: count().required().description('Who waits on the line.'),
  callback_count: count().required().description('Who has been promised to be called back.'),
  longest_wait: count().required().unit('milliseconds'),
  estimated_wait: count()
    .allow(null)
    .required()
    .unit('milliseconds')
    .description('Of one who came now, rounded; for a small team it is often wrong by a half. null: nobody can tell.'),
  service_level_1: part().description('Of those who were served the part that was served in time.'),
  service_level_2: part().description('Of all the part that was served in time, or gave up within it.'),
  ...counters,
  serviced_in_level_count: count().required(),
  abandoned_in_level_count: count().required(),
  agents: Joi.array()
    .items(
      Joi.object({
        id: id().required(),
        name: name.required(),
        status: Joi.string().required(),
        status_reason: Joi.string().allow('').required(),
        tm_status: time().required(),
        serviced: count().required().description('Callers of queues that it has served.'),
        calls: count().required().description('Callers of this queue that it has served in the last 24 hours.'),
        talk_time: count().required().unit('milliseconds').description('How long it has talked with them.'),
        missed: count().required().description('Offers in a row that it has not taken.'),
      }),
    )
    .required(),
})

export const historyQuery = Joi.object({
  day: Joi.string()
    .pattern(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/)
    .required()
    .example('2026-11-27'),
})

export const historySchema = Joi.object({
  result: Joi.array()
    .items(
      Joi.object({
        tm_begin: time().required().description('When the quarter of an hour began.'),
        incoming_count: count().required().description('Whose time in the queue ended in it.'),
        serviced_count: count().required(),
        abandoned_count: count().required(),
        wait_average: count().required().unit('milliseconds'),
        wait_longest: count().required().unit('milliseconds'),
        service_average: count().required().unit('milliseconds').description('Of those who were served.'),
      }),
    )
    .required(),
})
