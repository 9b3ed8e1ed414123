import { randomBytes } from 'node:crypto'
import { isDuplicate, now, type DataSource, type EntityManager } from '../database.ts'
import { Direct, type Owner } from './direct.ts'

export interface HashSource {
  /** How many bytes of randomness a new hash has. */
  readonly hashBytes: number
  /** Only a test gives its own. */
  readonly random?: (bytes: number) => string
}

const randomHash = (bytes: number): string => randomBytes(bytes).toString('hex')

/** Gives the resource a hash, unless it has one. */
export async function issue(manager: EntityManager, owner: Owner, source: HashSource): Promise<void> {
  await withNewHash(source, (hash) => insert(manager, owner, hash))
}

/**
 * Gives the resource a new hash, or its first. The old one is dead when the transaction is committed. The caller holds
 * the lock of the resource's row, so nobody deletes it meanwhile.
 */
export async function regenerate(manager: EntityManager, owner: Owner, source: HashSource): Promise<void> {
  await withNewHash(source, async (hash) => {
    const key = { resource_type: owner.type, resource_id: owner.id }
    const { affected } = await manager.update(Direct, key, { hash, tm_update: now() })
    if (affected === 0) await insert(manager, owner, hash)
  })
}

export async function revoke(manager: EntityManager, owner: Pick<Owner, 'type' | 'id'>): Promise<void> {
  await manager.delete(Direct, { resource_type: owner.type, resource_id: owner.id })
}

/** The resource behind a hash. Its shape is checked here: MySQL ignores spaces at the end of what it compares. */
export async function resolve(database: DataSource, hash: string): Promise<Direct | null> {
  if (!/^[0-9a-f]{12,32}$/.test(hash)) return null
  return database.getRepository(Direct).findOneBy({ hash })
}

async function insert(manager: EntityManager, { type, id, customer_id }: Owner, hash: string): Promise<void> {
  const row = { resource_type: type, resource_id: id, customer_id, hash, tm_create: now(), tm_update: null }
  try {
    await manager.insert(Direct, row)
  } catch (error) {
    if (!isDuplicate(error, 'PRIMARY')) throw error
  }
}

/** Two equal hashes are rare at 48 bits and a million rows, but they come. The unique index tells, and nothing else does. */
async function withNewHash(source: HashSource, store: (hash: string) => Promise<void>): Promise<void> {
  const random = source.random ?? randomHash
  for (let attempt = 1; ; attempt++) {
    try {
      return await store(random(source.hashBytes))
    } catch (error) {
      if (attempt === 10 || !isDuplicate(error, 'directs_hash')) throw error
    }
  }
}
