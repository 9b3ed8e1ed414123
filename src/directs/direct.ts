import { Entity, Unique, VirtualColumn } from 'typeorm'
import { BelongsTo, Exact, Id, Key, Time } from '../database/columns.ts'

/** One direct address: the resource behind a hash. The row is the only place where the hash is. */
@Entity({ name: 'directs' })
@Unique('directs_hash', ['hash'])
export class Direct {
  @Key(16) resource_type: string
  @Id() resource_id: string
  @BelongsTo('customers', 'directs_customer') customer_id: string
  /** 12 to 32 hex digits, without the `direct.` that stands before it in an address. */
  @Exact(32) hash: string
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
}

/** The resource that a direct belongs to. */
export interface Owner {
  readonly type: string
  readonly id: string
  readonly customer_id: string
}

/** A column of a dialable resource's entity that reads its hash along, `''` where it has none. */
export function DirectHash(type: string): PropertyDecorator {
  if (!/^[a-z]+$/.test(type)) throw new Error(`a resource type is a lower case word, not "${type}"`)
  const hash = (alias: string): string =>
    `SELECT direct.hash FROM directs direct WHERE direct.resource_type = '${type}' AND direct.resource_id = ${alias}.id`
  return VirtualColumn({ type: 'varchar', query: (alias) => `COALESCE((${hash(alias)}), '')` })
}

export function directUri(hash: string, baseDomain: string): string {
  return hash && `sip:direct.${hash}@sip.${baseDomain}`
}
