import { Entity, Unique } from 'typeorm'
import { Exact, Key, Reference, Time } from '../database/columns.ts'

/** One Asterisk, and the process of ours that carries it; see sql/013-nodes.sql. */
@Entity({ name: 'nodes' })
@Unique('nodes_identity', ['identity'])
export class NodeRecord {
  @Key(64) name: string
  @Exact(128, { nullable: true }) identity: string | null
  @Reference({ nullable: true }) holder: string | null
  @Exact(255, { default: '' }) holder_host: string
  @Exact(255, { default: '' }) holder_url: string
  @Time() tm_expire: string
  @Time({ nullable: true }) tm_lost: string | null
  @Time() tm_seen: string
}

/** A process of ours. */
export interface Holder {
  /** A UUID that no other process ever has. */
  readonly id: string
  readonly host: string
  /** Where the other processes reach its API. */
  readonly url: string
}
