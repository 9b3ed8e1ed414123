import Joi from 'joi'
import { Entity, Index } from 'typeorm'
import { BelongsTo, Id, Text, Time } from '../database/columns.ts'
import { common, detail, name, times } from './fields.ts'
import type { Resource } from './resource.ts'

@Entity({ name: 'tags' })
@Index('tags_newest', ['customer_id', 'tm_create', 'id'])
export class Tag {
  @Id() id: string
  @BelongsTo('customers', 'tags_customer') customer_id: string
  @Text(255) name: string
  @Text(1024) detail: string
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
}

export const tags: Resource<Tag> = {
  type: 'tag',
  plural: 'tags',
  about: 'What agents are told apart by: a language, a product, a department. One that is deleted is taken from them.',
  entity: Tag,
  deletable: true,
  schema: {
    read: Joi.object({ ...common, ...times }),
    create: Joi.object({ name: name.default(''), detail: detail.default('') }),
    update: Joi.object({ name, detail }),
  },
}
