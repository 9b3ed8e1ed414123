import { Entity, In, Index, Unique } from 'typeorm'
import type { EntityManager } from '../database.ts'
import { Exact, Key, KeyOf, Reference } from '../database/columns.ts'
import { ha1 } from './account.ts'
import { parseNetwork, type Network } from './network.ts'

/** Kamailio's table of where a trunk's calls may come from. */
@Entity({ name: 'trunk_addresses' })
@Index('trunk_addresses_lookup', ['customer_id', 'first_address', 'last_address'])
@Index('trunk_addresses_source', ['first_address', 'last_address'])
export class TrunkAddress {
  @KeyOf('trunks', 'trunk_addresses_trunk') trunk_id: string
  @Key(32) first_address: string
  @Key(32) last_address: string
  @Exact(64) network: string
  @Reference() customer_id: string
}

/** Kamailio's table of what a trunk may log in with. */
@Entity({ name: 'trunk_accounts' })
@Unique('trunk_accounts_username', ['customer_id', 'username'])
@Index('trunk_accounts_login', ['username'])
export class TrunkAccount {
  @KeyOf('trunks', 'trunk_accounts_trunk') trunk_id: string
  @Reference() customer_id: string
  @Exact(64) username: string
  /** The realm: the base domain. */
  @Exact(255) domain: string
  @Exact(128) ha1: string
}

interface Trunk {
  id: string
  customer_id: string
  username: string
}

/** Says anew where the trunk's calls may come from. */
export async function setAddresses(
  manager: EntityManager,
  { id, customer_id }: Trunk,
  networks: string[],
): Promise<void> {
  await manager.delete(TrunkAddress, { trunk_id: id })
  const parsed = networks.map(parseNetwork).filter((network): network is Network => network !== undefined)
  const different = [...new Map(parsed.map((network) => [network.network, network])).values()]
  if (different.length > 0)
    await manager.insert(
      TrunkAddress,
      different.map((network) => ({ trunk_id: id, customer_id, ...network })),
    )
}

/** The networks of these trunks, in the order of their addresses. */
export async function addressesOf(manager: EntityManager, ids: string[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  if (ids.length === 0) return found
  const rows = await manager.find(TrunkAddress, { where: { trunk_id: In(ids) } })
  const key = ({ first_address, last_address }: TrunkAddress) =>
    [String(first_address.length).padStart(2), first_address, last_address].join()
  rows.sort((one, other) => (key(one) < key(other) ? -1 : 1))
  for (const { trunk_id, network } of rows) found.set(trunk_id, [...(found.get(trunk_id) ?? []), network])
  return found
}

/** What the trunk logs in with, when that changes; `password` undefined: it stays. False when there is none to stay. */
export async function setTrunkAccount(
  manager: EntityManager,
  { id, customer_id, username }: Trunk,
  password: string | undefined,
  realm: string,
): Promise<boolean> {
  if (password === undefined) return manager.existsBy(TrunkAccount, { trunk_id: id, username })
  await manager.delete(TrunkAccount, { trunk_id: id })
  const account = { trunk_id: id, customer_id, username, domain: realm, ha1: ha1(username, realm, password) }
  await manager.insert(TrunkAccount, account)
  return true
}

export async function removeTrunkAccount(manager: EntityManager, { id }: Trunk): Promise<void> {
  await manager.delete(TrunkAccount, { trunk_id: id })
}
