import { Column, Entity, Index, PrimaryColumn, VirtualColumn } from 'typeorm'
import type { EntityManager } from '../database.ts'
import { fromSqlTime } from '../database.ts'
import { Count, Exact, KeyOf, Key, Raw, Reference, Text, Time } from '../database/columns.ts'

/** The last sign of life: a REGISTER is as good as an answer. */
export const life = (row: string): string =>
  `GREATEST(${row}.tm_registered, COALESCE(${row}.tm_answer, ${row}.tm_registered))`

/**
 * Kamailio probes a device with OPTIONS: one that has not answered the last probe for 3 seconds, or the probe before, is
 * not there any more. The clock is the database's: Kamailio writes its times, and no two machines agree.
 */
export const status = (row: string): string =>
  `CASE WHEN ${row}.tm_expire <= UTC_TIMESTAMP(6) THEN 'unregistered'
    WHEN ${row}.tm_unanswered > ${life(row)} THEN 'unreachable'
    WHEN ${row}.tm_probe > ${life(row)} AND ${row}.tm_probe < UTC_TIMESTAMP(6) - INTERVAL 3 SECOND THEN 'unreachable'
    ELSE 'registered' END`

const epoch = () => `'1970-01-01 00:00:00.000000'`

/** Where the device of an extension is; Kamailio writes it. One device per extension is one row per extension. */
@Entity({ name: 'registrations' })
@Index('registrations_expire', ['tm_expire'])
@Index('registrations_probe', ['edge', 'tm_probe'])
export class Registration {
  @KeyOf('extensions', 'registrations_extension') extension_id: string
  @Raw(1500) contact: string
  @Exact(128) received: string
  @Exact(64) source_address: string
  @Exact(8) transport: string
  @Text(255) user_agent: string
  @Raw(255) instance: string
  @Raw(255) call_id: string
  @Count() cseq: number
  @Raw(512) path: string
  @Exact(64) edge: string
  @Exact(64) socket: string
  @Time() tm_registered: string
  @Time() tm_expire: string
  @Time({ nullable: true }) tm_probe: string | null
  @Time({ nullable: true }) tm_answer: string | null
  @Time({ nullable: true }) tm_unanswered: string | null
  @Count({ nullable: true }) rtt_ms: number | null
  /** When it began: no refresh changes it. */
  @Column({ type: 'datetime', precision: 6, default: epoch }) tm_begin: string
  @VirtualColumn({ type: 'varchar', query: status }) status: 'registered' | 'unreachable' | 'unregistered'
}

/** Who failed to register an extension, and why; Kamailio writes it. */
@Entity({ name: 'registration_failures' })
@Index('registration_failures_last', ['tm_last'])
@Index('registration_failures_due', ['tm_due'])
export class RegistrationFailure {
  @KeyOf('extensions', 'registration_failures_extension') extension_id: string
  @Key(64) source_address: string
  @Key(32) reason: string
  @Count() count: number
  @Time() tm_first: string
  @Time() tm_last: string
  /** Since when there is something to tell. */
  @Time({ nullable: true }) tm_due: string | null
  @Time({ nullable: true }) tm_told: string | null
}

/** A registration that has begun or ended, as it was then. Kamailio writes it, and who tells of it removes it. */
@Entity({ name: 'registration_changes' })
export class RegistrationChange {
  @PrimaryColumn({ type: 'bigint', unsigned: true, generated: 'increment' }) number: number
  @Reference() extension_id: string
  @Exact(16) status: 'registered' | 'unregistered'
  @Time() tm_begin: string
  @Column({ type: 'varchar', length: 1500, charset: 'utf8mb4', collation: 'utf8mb4_bin', default: '' }) contact: string
  @Exact(64, { default: '' }) source_address: string
  @Exact(8, { default: '' }) transport: string
  @Column({ type: 'varchar', length: 255, default: '' }) user_agent: string
  @Time({ nullable: true }) tm_registered: string | null
  @Time({ nullable: true }) tm_expire: string | null
  @Time() tm_create: string
}

/** What was told last of the registration of an extension. */
@Entity({ name: 'registration_states' })
@Index('registration_states_status', ['status'])
export class RegistrationState {
  @KeyOf('extensions', 'registration_states_extension') extension_id: string
  @Exact(16) status: Registration['status']
  @Time() tm_begin: string
}

export type Failure = Pick<RegistrationFailure, 'source_address' | 'reason' | 'count' | 'tm_first' | 'tm_last'>

/** What is shown of a registration as it is at some moment. */
export type Snapshot = Pick<Registration, 'status' | 'contact' | 'source_address' | 'transport' | 'user_agent'> & {
  tm_registered: string | null
  tm_expire: string | null
  rtt_ms: number | null
}

/** What the API shows of it. */
export type RegistrationView = Snapshot & { failures: Failure[] }

const nowhere = {
  ...({ status: 'unregistered', contact: '', source_address: '', transport: '', user_agent: '' } as const),
  ...{ tm_registered: null, tm_expire: null, rtt_ms: null },
}

/** A registration that ended is none, whether its row is gone already or not. */
export function viewRegistration(row: Snapshot | null | undefined, failures: Failure[]): RegistrationView {
  if (!row || row.status === 'unregistered') return { ...nowhere, failures }
  const { status, contact, source_address, transport, user_agent, tm_registered, tm_expire, rtt_ms } = row
  return { status, contact, source_address, transport, user_agent, tm_registered, tm_expire, rtt_ms, failures }
}

/** How many failures of an extension are shown: whoever attacks from many sources fills the table, not the answer. */
const shownFailures = 10

/** The latest failures of each of these extensions, in one query. */
export async function recentFailures(manager: EntityManager, extensionIds: string[]): Promise<Map<string, Failure[]>> {
  const failures = new Map<string, Failure[]>(extensionIds.map((id) => [id, []]))
  if (extensionIds.length === 0) return failures
  const rows: RegistrationFailure[] = await manager.query(
    `SELECT * FROM (
       SELECT f.*, ROW_NUMBER() OVER (PARTITION BY extension_id ORDER BY tm_last DESC) AS place
       FROM registration_failures f WHERE extension_id IN (?)
     ) latest WHERE place <= ? ORDER BY extension_id, place`,
    [extensionIds, shownFailures],
  )
  for (const { extension_id, source_address, reason, count, tm_first, tm_last } of rows) {
    const times = { tm_first: fromSqlTime(tm_first), tm_last: fromSqlTime(tm_last) }
    failures.get(extension_id)?.push({ source_address, reason, count, ...times })
  }
  return failures
}
