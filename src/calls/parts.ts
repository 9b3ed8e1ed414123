import type { AriNode } from '../ari/connection.ts'
import {
  fromSqlTime,
  insertOnce,
  now,
  toSqlTime,
  transaction,
  type DataSource,
  type EntityManager,
} from '../database.ts'
import { insertEvents, type EventOf } from '../events/event.ts'
import type { Call } from './call.ts'

/**
 * A kind of thing that a call has beside its actions, with a beginning and an end of its own: a recording, a transcribe.
 * Recovery and draining walk the list of all kinds and know nothing of a single one.
 */
export interface PartKind {
  /** Goes on with what an earlier process has begun on this Asterisk, and ends what ended unseen. */
  adopt(node: AriNode, callOf: (id: string) => Call | undefined): Promise<void>
  /** Stores what is under way: this process ends. */
  drain?(): Promise<void>
}

export type PartTable = 'recordings' | 'transcribes'

/** What each part's row has. */
export interface PartRow {
  readonly id: string
  /** Null: it belongs to none. */
  readonly activeflow_id: string | null
  readonly reference_id: string
  /** The flow that runs when it has ended. */
  readonly on_end_flow_id: string | null
  readonly node: string
}

/**
 * Stores the beginning of a flow that follows a part which has ended, in the transaction of that end; what it answers
 * lets it run, and is to be called when that is committed.
 */
export type FollowPart = (
  manager: EntityManager,
  node: AriNode,
  part: PartRow,
  variables: Record<string, string>,
) => Promise<(() => void) | undefined>

/** The rows of parts: the beginning and the end of each is one transaction with its event, and with what follows. */
export class PartStore {
  constructor(
    readonly database: DataSource,
    readonly eventOf: EventOf,
    readonly follow: FollowPart,
  ) {}

  /** Again after a crash it is there. */
  begin(table: PartTable, row: PartRow): Promise<void> {
    return transaction(this.database, async (manager) => {
      await insertOnce(manager, table, row)
      await insertEvents(manager, [this.eventOf(resourceOf(table), 'started', row)])
    })
  }

  /** Does nothing where the end is stored already. */
  async end(node: AriNode, table: PartTable, part: PartRow, status: string): Promise<void> {
    const follow = await transaction(this.database, async (manager) => {
      const time = toSqlTime(now())
      const { affectedRows }: { affectedRows: number } = await manager.query(
        `UPDATE ${table} SET status = ?, tm_end = ?, tm_update = ? WHERE id = ? AND tm_end IS NULL`,
        [status, time, time, part.id],
      )
      if (affectedRows === 0) return undefined
      const ended = { ...part, status, tm_end: fromSqlTime(time), tm_update: fromSqlTime(time) }
      await insertEvents(manager, [this.eventOf(resourceOf(table), 'finished', ended)])
      if (!part.on_end_flow_id) return undefined
      return this.follow(manager, node, part, { [`hashdial.${resourceOf(table)}.id`]: part.id })
    })
    follow?.()
  }
}

const resourceOf = (table: PartTable): string => table.replace(/s$/, '')
