import { createHash } from 'node:crypto'
import { Entity, PrimaryGeneratedColumn, Unique } from 'typeorm'
import type { DataSource, EntityManager } from '../database.ts'
import { BelongsTo, Exact, Flag } from '../database/columns.ts'

/** Kamailio's table of who may register: the columns of its auth_db, and the extension that a row belongs to. */
@Entity({ name: 'subscriber' })
@Unique('subscriber_account', ['username', 'domain'])
@Unique('subscriber_extension', ['extension_id'])
export class Subscriber {
  @PrimaryGeneratedColumn({ type: 'int', unsigned: true }) id: number
  @Exact(64) username: string
  @Exact(255) domain: string
  /** Always empty: there is no need to know a password that can be checked. */
  @Exact(64, { default: '' }) password: string
  @Exact(128) ha1: string
  @Exact(128) ha1b: string
  @BelongsTo('extensions', 'subscriber_owner') extension_id: string
  /** May it call the world by its customer's trunks? */
  @Flag() outbound: boolean
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

/** RFC 2617: what both sides compute a digest response from. */
export function ha1(username: string, realm: string, password: string): string {
  return md5(`${username}:${realm}:${password}`)
}

export function domainName(customerId: string, baseDomain: string): string {
  return `${customerId}.registrar.${baseDomain}`
}

interface Account {
  id: string
  username: string
  domain_name: string
  outbound: boolean
}

/** The realm of every password is the base domain. */
function hashes({ username, domain_name }: Pick<Account, 'username' | 'domain_name'>, password: string, realm: string) {
  return { ha1: ha1(username, realm, password), ha1b: ha1(`${username}@${domain_name}`, realm, password) }
}

export async function addAccount(manager: EntityManager, of: Account, password: string, realm: string): Promise<void> {
  const account = { username: of.username, domain: of.domain_name, extension_id: of.id, outbound: of.outbound }
  await manager.insert(Subscriber, { ...account, password: '', ...hashes(of, password, realm) })
}

export async function setPassword(manager: EntityManager, of: Account, password: string, realm: string): Promise<void> {
  await manager.update(Subscriber, { extension_id: of.id }, hashes(of, password, realm))
}

export async function setOutbound(manager: EntityManager, { id, outbound }: Account): Promise<void> {
  await manager.update(Subscriber, { extension_id: id }, { outbound })
}

/**
 * The hashes of passwords are made with the base domain, and cannot be made again without the passwords. So a process
 * with another base domain than the rows were made with must not start: no device could register.
 */
export async function checkBaseDomain(database: DataSource, baseDomain: string): Promise<void> {
  // The oldest row and the newest: with this check at every start there is nothing else between them.
  const rows: { domain: string }[] = await database.query(
    `(SELECT domain FROM subscriber ORDER BY id LIMIT 1) UNION (SELECT domain FROM subscriber ORDER BY id DESC LIMIT 1)
     UNION (SELECT domain FROM trunk_accounts LIMIT 1)`,
  )
  const other = rows.find(({ domain }) => domain.replace(/^[^.]*\.registrar\./, '') !== baseDomain)
  if (!other) return
  const made = other.domain.replace(/^[^.]*\.registrar\./, '')
  throw new Error(
    `HASHDIAL_BASE_DOMAIN is ${baseDomain}, but the extensions in this database were made for ${made}, and their ` +
      `passwords are kept only as hashes with that name: set it back to ${made}, or delete the extensions and make them again`,
  )
}
