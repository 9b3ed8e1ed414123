import Joi from 'joi'
import { toSqlTime } from '../database.ts'
import { EventRecord } from '../events/record.ts'
import { operatorId } from '../registrar/edge-reports.ts'
import { customerId, id, time } from './fields.ts'
import type { Resource } from './resource.ts'

const sequence = () => Joi.number().integer().min(0).max(Number.MAX_SAFE_INTEGER)

interface Filter {
  type?: string
  resource_id?: string
  after?: number
  before?: number
  from?: string
  until?: string
}

/** What a topic, or a filter by type, matches: the type itself, and all that begin with it and a `_`. */
export const topic = () =>
  Joi.string()
    .max(64)
    .pattern(/^[a-z]+(_[a-z]+)*$/)
    .messages({ 'string.pattern.base': '{{#label}} must be a type such as call_hangup, or a resource such as call' })
    .example('call')

export const events: Resource<EventRecord> = {
  type: 'event',
  plural: 'events',
  about:
    'What happened: in the same transaction as the row that it is about, and kept for some days. With the admin key: what ' +
    'concerns no customer (direct_scan_detected: a source that guesses direct addresses), as of the customer 0000….',
  entity: EventRecord,
  access: 'both',
  operatorId,
  schema: {
    read: Joi.object({
      id: id().required(),
      type: Joi.string().required().description('`<resource>_<what>`.').example('call_hangup'),
      sequence: sequence().required().description("Counts the customer's events, without a gap."),
      customer_id: customerId,
      resource_type: Joi.string().required().example('call'),
      resource_id: Joi.string().required().example('6f1c0f5e-7d53-4d0e-9a53-0c2f5a7f3b11'),
      data: Joi.object()
        .unknown()
        .required()
        .description(
          'The resource as GET showed it then; where that is over 8 kB, what is large is left out and named in `omitted`.',
        ),
      tm_create: time().required(),
    }),
    filter: Joi.object({
      type: topic().description('A type, or a resource: `queue` is not `queuecall`.'),
      resource_id: Joi.string().max(64),
      after: sequence().description('Those with a higher sequence.'),
      before: sequence().description('Those with a lower sequence.'),
      from: time().description('Those that are not older.'),
      until: time().description('Those that are older.'),
    }),
  },
  narrow(query, row, { type, resource_id, after, before, from, until }: Filter) {
    // One without a number is not told yet, and one with a lower number may still come.
    query.andWhere(`${row}.sequence IS NOT NULL`)
    if (type !== undefined)
      query.andWhere(`(${row}.type = :type OR ${row}.type LIKE :types)`, {
        type,
        types: `${type.replaceAll('_', '\\_')}\\_%`,
      })
    if (resource_id !== undefined) query.andWhere(`${row}.resource_id = :resource_id`, { resource_id })
    if (after !== undefined) query.andWhere(`${row}.sequence > :after`, { after })
    if (before !== undefined) query.andWhere(`${row}.sequence < :before`, { before })
    if (from !== undefined) query.andWhere(`${row}.tm_create >= :since`, { since: toSqlTime(from) })
    if (until !== undefined) query.andWhere(`${row}.tm_create < :until`, { until: toSqlTime(until) })
  },
}
