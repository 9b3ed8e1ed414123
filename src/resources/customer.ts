import Joi from 'joi'
import { Entity, Index } from 'typeorm'
import { Count, Id, Text, Time } from '../database/columns.ts'
import { common, detail, name, times } from './fields.ts'
import type { Resource } from './resource.ts'

@Entity({ name: 'customers' })
@Index('customers_newest', ['tm_create', 'id'])
export class Customer {
  @Id() id: string
  @Text(255) name: string
  @Text(1024) detail: string
  @Count({ default: 200 }) max_calls: number
  @Count({ default: 20 }) calls_per_second: number
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
}

const maxCalls = Joi.number()
  .integer()
  .min(0)
  .max(1_000_000)
  .description('How many calls it may have at once, in and out. The caller of one more is told that it is busy (486).')
  .example(200)

const callsPerSecond = Joi.number()
  .integer()
  .min(0)
  .max(100_000)
  .description('How many calls it may begin itself in a second: by the API and by its flows.')
  .example(20)

export const customers: Resource<Customer> = {
  type: 'customer',
  plural: 'customers',
  about: 'Who everything else belongs to. Only the operator, with the admin key, sees and makes them.',
  entity: Customer,
  access: 'operator',
  deletable: true,
  schema: {
    read: Joi.object({
      ...{ id: common.id, name: common.name, detail: common.detail },
      ...{ max_calls: maxCalls.required(), calls_per_second: callsPerSecond.required(), ...times },
    }),
    create: Joi.object({
      ...{ name: name.disallow('').required(), detail: detail.default('') },
      ...{ max_calls: maxCalls.default(200), calls_per_second: callsPerSecond.default(20) },
    }),
    update: Joi.object({ name, detail, max_calls: maxCalls, calls_per_second: callsPerSecond }),
  },
}
