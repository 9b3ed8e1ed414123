import Joi from 'joi'
import { Entity, Index } from 'typeorm'
import { Id, Text, Time } from '../database/columns.ts'
import { common, detail, name, times } from './fields.ts'
import type { Resource } from './resource.ts'

@Entity({ name: 'customers' })
@Index('customers_newest', ['tm_create', 'id'])
export class Customer {
  @Id() id: string
  @Text(255) name: string
  @Text(1024) detail: string
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
}

export const customers: Resource<Customer> = {
  type: 'customer',
  plural: 'customers',
  about: 'Who everything else belongs to. Only the operator, with the admin key, sees and makes them.',
  entity: Customer,
  access: 'operator',
  deletable: true,
  schema: {
    read: Joi.object({ id: common.id, name: common.name, detail: common.detail, ...times }),
    create: Joi.object({ name: name.disallow('').required(), detail: detail.default('') }),
    update: Joi.object({ name, detail }),
  },
}
