import { Column, Entity, Index, PrimaryGeneratedColumn, Unique } from 'typeorm'
import { Exact, Id, Reference, Time } from '../database/columns.ts'

// The tables of sql/009-events.sql, as openDatabase knows them. They are written and read by plain SQL.

@Entity({ name: 'events' })
@Unique('events_id', ['id'])
@Unique('events_sequence', ['customer_id', 'sequence'])
@Index('events_unnumbered', ['sequence', 'insertion'])
@Index('events_resource', ['customer_id', 'resource_id', 'sequence'])
@Index('events_old', ['tm_create'])
export class StoredEvent {
  @PrimaryGeneratedColumn({ type: 'bigint', unsigned: true }) insertion: number
  @Reference() id: string
  @Reference() customer_id: string
  @Column({ type: 'bigint', unsigned: true, nullable: true }) sequence: number | null
  @Exact(64) type: string
  @Exact(32) resource_type: string
  @Exact(64) resource_id: string
  @Column({ type: 'mediumtext' }) data: string
  @Time() tm_create: string
}

@Entity({ name: 'event_counters' })
export class EventCounter {
  @Id() customer_id: string
  @Column({ type: 'bigint', unsigned: true }) sequence: number
}
