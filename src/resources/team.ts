import Joi from 'joi'
import { Entity, Index } from 'typeorm'
import { checkTeam } from '../conversation/check.ts'
import type { TeamMember, TeamRow } from '../conversation/row.ts'
import { BelongsTo, Id, Json, Reference as RowId, Text, Time } from '../database/columns.ts'
import { DirectHash } from '../directs/direct.ts'
import { functionName } from './ai-schema.ts'
import { common, detail, direct, id, name, text, times } from './fields.ts'
import { checkReferences } from './references.ts'
import type { DialableResource } from './resource.ts'
import { mustBeRight } from './wrong.ts'

@Entity({ name: 'teams' })
@Index('teams_newest', ['customer_id', 'tm_create', 'id'])
export class Team implements TeamRow {
  @Id() id: string
  @BelongsTo('customers', 'teams_customer') customer_id: string
  @Text(255) name: string
  @Text(1024) detail: string
  @RowId() start_member_id: string
  @Json('mediumtext') members: TeamMember[]
  @Json('mediumtext') parameter: Record<string, unknown>
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
  @DirectHash('team') direct_hash: string
}

const transition = Joi.object({
  function_name: functionName.required().description('What the AI calls to hand the caller over.'),
  description: text(1_000).default('').description('For the AI: when to do so.'),
  next_member_id: id().required(),
})

const members = Joi.array()
  .items(
    Joi.object({
      id: id().required().description('Yours to choose: transitions name it.'),
      name: text(255).default(''),
      ai_id: id().required(),
      transitions: Joi.array().items(transition).max(50).default([]),
    }),
  )
  .min(1)
  .max(50)

const startMember = id().description('Who talks first.')
const parameter = Joi.object().max(50).description('Anything of yours; it is kept as it is.')

export const teams: DialableResource<Team> = {
  type: 'team',
  plural: 'teams',
  about: 'AIs that hand a caller over to each other. Anyone who calls its direct address talks with its first member.',
  entity: Team,
  deletable: true,
  direct: 'on create',
  schema: {
    read: Joi.object({
      ...common,
      start_member_id: startMember.required(),
      members: members.required(),
      parameter: parameter.required(),
      ...direct,
      ...times,
    }),
    create: Joi.object({
      ...{ name: name.default(''), detail: detail.default(''), parameter: parameter.default({}) },
      ...{ start_member_id: startMember.required(), members: members.required() },
    }),
    update: Joi.object({ name, detail, start_member_id: startMember, members, parameter }),
  },
  steps: ({ id: team_id }) => [
    { type: 'answer', option: {} },
    { type: 'ai_talk', option: { team_id } },
  ],
  check(body, where) {
    const { members: all = [] } = body as Partial<TeamRow>
    const named = all.map(({ ai_id }, index) => ({ field: `members.${index}.ai_id`, type: 'ai' as const, id: ai_id }))
    return checkReferences(body, where, named)
  },
  created: async ({ row }) => mustBeRight(checkTeam(row)),
  updated: async ({ row }) => mustBeRight(checkTeam(row)),
}
