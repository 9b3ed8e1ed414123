import { Entity } from 'typeorm'
import type { EntityManager } from '../database.ts'
import { Count, KeyOf } from '../database/columns.ts'
import type { TagLevel } from './agent-tags.ts'

/** A tag that agents need to serve a queue. */
@Entity({ name: 'queue_tags' })
export class QueueTag {
  @KeyOf('queues', 'queue_tags_queue') queue_id: string
  @KeyOf('tags', 'queue_tags_tag') tag_id: string
  @Count() level: number
}

/** Gives the queue these tags and no others. */
export async function setQueueTags(manager: EntityManager, queue_id: string, tags: readonly TagLevel[]): Promise<void> {
  await manager.delete(QueueTag, { queue_id })
  if (tags.length > 0)
    await manager.insert(
      QueueTag,
      tags.map((tag) => ({ ...tag, queue_id })),
    )
}

export async function tagsOfQueues(
  manager: EntityManager,
  ids: readonly string[],
): Promise<(id: string) => TagLevel[]> {
  const rows: QueueTag[] =
    ids.length === 0
      ? []
      : await manager.query(
          'SELECT queue_id, tag_id, level FROM queue_tags WHERE queue_id IN (?) ORDER BY level DESC, tag_id',
          [ids],
        )
  return (id) => rows.filter(({ queue_id }) => queue_id === id).map(({ tag_id, level }) => ({ tag_id, level }))
}
