import Joi from 'joi'
import { Entity } from 'typeorm'
import type { EntityManager } from '../database.ts'
import { Count, KeyOf } from '../database/columns.ts'
import { HashdialError } from '../errors.ts'
import { id } from './fields.ts'

/** A tag of an agent. */
@Entity({ name: 'agent_tags' })
export class AgentTag {
  @KeyOf('agents', 'agent_tags_agent') agent_id: string
  @KeyOf('tags', 'agent_tags_tag') tag_id: string
  @Count() level: number
}

export type TagLevel = Pick<AgentTag, 'tag_id' | 'level'>

/** Of a tag that is given without one. */
const lowest = 1

const level = Joi.number().integer().min(lowest).max(10).description('How good the agent is at it: 10 is the best.')

const tagLevel = Joi.object({ tag_id: id().required(), level: level.default(lowest) })

export const givenTags = Joi.array()
  .items(Joi.alternatives(id(), tagLevel))
  .max(50)
  .unique((one: string | TagLevel, other: string | TagLevel) => idOf(one) === idOf(other))
  .messages({ 'array.unique': '{{#label}} is a tag that is in the list already' })
  .description('Its tags: their ids, or objects with `tag_id` and `level` (1 where there is none).')
  .example([{ tag_id: '6f1c0f5e-7d53-4d0e-9a53-0c2f5a7f3b11', level: 7 }])

export const shownTags = Joi.array()
  .items(Joi.object({ tag_id: id().required(), level: level.required() }))
  .required()
  .description('Its tags, the best first.')

const idOf = (given: string | TagLevel): string => (typeof given === 'string' ? given : given.tag_id)

/** Of tags as they were given. */
export function levelsOf(given: unknown): TagLevel[] {
  const list = (given ?? []) as (string | TagLevel)[]
  return list.map((one) => (typeof one === 'string' ? { tag_id: one, level: lowest } : one))
}

/** Throws where the customer has not all of these tags. Those that it has cannot be deleted before the transaction ends. */
export async function checkTags(manager: EntityManager, customerId: string, given: unknown): Promise<void> {
  const levels = levelsOf(given)
  if (levels.length === 0) return
  // The words that MySQL and MariaDB share.
  const known: { id: string }[] = await manager.query(
    'SELECT id FROM tags WHERE customer_id = ? AND id IN (?) ORDER BY id LOCK IN SHARE MODE',
    [customerId, levels.map(({ tag_id }) => tag_id)],
  )
  const details = levels.flatMap(({ tag_id }, index) =>
    known.some((tag) => tag.id === tag_id)
      ? []
      : [{ field: `tag_ids.${index}`, problem: `you have no tag with the id ${tag_id}` }],
  )
  if (details.length === 0) return
  const told = details.map(({ problem }) => problem).join('; ')
  throw new HashdialError('INVALID_ARGUMENT', 'INVALID_ARGUMENT', `tag_ids: ${told}`, details)
}

/** Gives the agent these tags and no others. */
export async function setTags(manager: EntityManager, agent_id: string, given: unknown): Promise<void> {
  await manager.delete(AgentTag, { agent_id })
  const levels = levelsOf(given)
  if (levels.length === 0) return
  await manager.insert(
    AgentTag,
    levels.map((one) => ({ ...one, agent_id })),
  )
}

export async function tagsOf(manager: EntityManager, agentIds: readonly string[]): Promise<Map<string, TagLevel[]>> {
  if (agentIds.length === 0) return new Map()
  const rows: AgentTag[] = await manager.query(
    'SELECT agent_id, tag_id, level FROM agent_tags WHERE agent_id IN (?) ORDER BY level DESC, tag_id',
    [agentIds],
  )
  return new Map(
    agentIds.map((agentId) => {
      const own = rows.filter(({ agent_id }) => agent_id === agentId)
      return [agentId, own.map(({ tag_id, level }) => ({ tag_id, level }))]
    }),
  )
}
