import { Entity, Index, PrimaryGeneratedColumn } from 'typeorm'
import type { DataSource } from '../database.ts'
import { Count, Exact, Flag, Key, Time } from '../database/columns.ts'

/** One Kamailio: its heartbeat, about once a second, and its totals since it started. Kamailio writes it. */
@Entity({ name: 'edges' })
export class Edge {
  @Key(64) name: string
  @Time() tm_start: string
  @Time() tm_seen: string
  @Count() misses: number
  @Count() auth_failures: number
}

/** A source that dialled too many direct addresses that do not exist. Kamailio writes it. */
@Entity({ name: 'guess_blocks' })
@Index('guess_blocks_newest', ['tm_create'])
@Index('guess_blocks_told', ['told', 'id'])
export class GuessBlock {
  @PrimaryGeneratedColumn({ type: 'bigint', unsigned: true }) id: number
  @Exact(64) edge: string
  @Exact(64) source_address: string
  @Count() misses: number
  @Time() tm_create: string
  @Time() tm_expire: string
  /** Is there an event? */
  @Flag() told: boolean
}

export interface EdgeState {
  name: string
  alive: boolean
  /** Since its last heartbeat. */
  silent_seconds: number
  misses: number
  auth_failures: number
  /** How many sources are blocked at the moment. */
  blocks: number
}

/** It comes once a second. */
const heartbeatLateMs = 2_500

/** Every Kamailio that was there within the last day, and whether it still is. */
export async function readEdges(database: DataSource): Promise<EdgeState[]> {
  const rows: (Omit<EdgeState, 'alive'> & { alive: number })[] = await database.query(
    `SELECT name, misses, auth_failures, TIMESTAMPDIFF(SECOND, tm_seen, UTC_TIMESTAMP(6)) AS silent_seconds,
       tm_seen > UTC_TIMESTAMP(6) - INTERVAL ${heartbeatLateMs * 1000} MICROSECOND AS alive,
       (SELECT COUNT(*) FROM guess_blocks WHERE edge = name AND tm_expire > UTC_TIMESTAMP(6)
          AND tm_create > UTC_TIMESTAMP(6) - INTERVAL 1 DAY) AS blocks
     FROM edges WHERE tm_seen > UTC_TIMESTAMP(6) - INTERVAL 1 DAY`,
  )
  return rows.map((row) => ({ ...row, alive: row.alive === 1 }))
}
