import Joi from 'joi'
import { Entity, Index, Unique } from 'typeorm'
import { telNumber } from '../calls/tel.ts'
import { BelongsTo, Exact, Id, RefersTo, Text, Time } from '../database/columns.ts'
import { common, detail, id, name, times } from './fields.ts'
import { checkReferences, referencesIn } from './references.ts'
import type { Resource } from './resource.ts'

@Entity({ name: 'numbers' })
@Unique('numbers_number', ['number'])
@Index('numbers_newest', ['customer_id', 'tm_create', 'id'])
export class PhoneNumber {
  @Id() id: string
  @BelongsTo('customers', 'numbers_customer') customer_id: string
  @Text(255) name: string
  @Text(1024) detail: string
  @Exact(16) number: string
  @RefersTo('flows', 'numbers_flow') call_flow_id: string | null
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
}

const number = telNumber
  .description('The number as the world dials it (E.164); fixed. No two customers can have the same.')
  .example('+493012345678')

const callFlowId = id().allow(null).description('The flow that its callers get; null: it leads nowhere.')

export const numbers: Resource<PhoneNumber> = {
  type: 'number',
  plural: 'numbers',
  about: 'An inbound number: calls that a trunk of the same customer brings for it get its flow.',
  entity: PhoneNumber,
  deletable: true,
  unique: { numbers_number: { field: 'number', problem: 'this number is taken' } },
  schema: {
    read: Joi.object({ ...common, number: number.required(), call_flow_id: callFlowId.required(), ...times }),
    create: Joi.object({
      name: name.default(''),
      detail: detail.default(''),
      number: number.required(),
      call_flow_id: callFlowId.default(null),
    }),
    update: Joi.object({ name, detail, number: Joi.forbidden(), call_flow_id: callFlowId }).messages({
      'any.unknown': '{{#label}} is fixed: make another number and delete this one',
    }),
  },
  leadsTo: ({ call_flow_id: id }) => (id === null ? undefined : { type: 'flow', id }),
  check: (body, where) => checkReferences(body, where, referencesIn(body, 'flow', 'call_flow_id')),
}
