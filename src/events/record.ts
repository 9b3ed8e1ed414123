import { Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm'
import { Exact, Fixed, Id, Json, Reference, Time } from '../database/columns.ts'

const big = { type: 'bigint', unsigned: true } as const

@Entity({ name: 'events' })
@Unique('events_id', ['id'])
@Unique('events_sequence', ['customer_id', 'sequence'])
@Index('events_unnumbered', ['sequence', 'insertion'])
@Index('events_newest', ['customer_id', 'tm_create', 'id'])
@Index('events_resource', ['customer_id', 'resource_id', 'tm_create', 'id'])
@Index('events_old', ['tm_create'])
export class EventRecord {
  @PrimaryColumn({ ...big, generated: 'increment' }) insertion: number
  @Fixed(36) id: string
  @Reference() customer_id: string
  @Column({ ...big, nullable: true }) sequence: number | null
  @Exact(64) type: string
  @Exact(32) resource_type: string
  @Exact(64) resource_id: string
  @Json('mediumtext') data: object
  @Time() tm_create: string
}

@Entity({ name: 'event_counters' })
export class EventCounter {
  @Id() customer_id: string
  @Column(big) sequence: number
}
