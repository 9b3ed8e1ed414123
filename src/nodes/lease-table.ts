import { isDuplicate, transaction, type DataSource } from '../database.ts'
import type { Holder } from './node.ts'

/** How long a lease lasts that is not renewed. */
export const leaseMs = 3_500

const expiry = `UTC_TIMESTAMP(6) + INTERVAL ${leaseMs * 1000} MICROSECOND`

/** A node as a process sees it that does not hold it. */
export interface LeaseState {
  holder: string | null
  holder_host: string
  holder_url: string
  /** Its lease has run out. */
  expired: boolean
  /** Its holder does not reach the Asterisk. */
  lost: boolean
}

/** The leases, in the table `nodes`. Who holds one is decided by an UPDATE, and the time is the database's. */
export class LeaseTable {
  readonly #database: DataSource
  readonly holder: Holder

  constructor(database: DataSource, holder: Holder) {
    this.#database = database
    this.holder = holder
  }

  /** This Asterisk is in our configuration. */
  async register(name: string): Promise<void> {
    await this.#database.query(
      `INSERT INTO nodes (name, tm_expire, tm_seen) VALUES (?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))
       ON DUPLICATE KEY UPDATE tm_seen = UTC_TIMESTAMP(6)`,
      [name],
    )
  }

  async read(name: string): Promise<LeaseState | undefined> {
    const rows: (Omit<LeaseState, 'expired' | 'lost'> & { expired: number; lost: number })[] =
      await this.#database.query(
        `SELECT holder, holder_host, holder_url, tm_expire <= UTC_TIMESTAMP(6) AS expired, tm_lost IS NOT NULL AS lost
         FROM nodes WHERE name = ?`,
        [name],
      )
    return rows[0] && { ...rows[0], expired: Number(rows[0].expired) === 1, lost: Number(rows[0].lost) === 1 }
  }

  /** Is it ours now? `seen` is whose it was: if somebody else has been faster, it is theirs. */
  take(name: string, seen: string | null): Promise<boolean> {
    const { id, host, url } = this.holder
    return this.#changed(
      `UPDATE nodes SET holder = ?, holder_host = ?, holder_url = ?, tm_expire = ${expiry}, tm_seen = UTC_TIMESTAMP(6)
       WHERE name = ? AND holder <=> ? AND (holder IS NULL OR tm_expire <= UTC_TIMESTAMP(6) OR (holder_host = ? AND holder_url = ?))`,
      [id, host, url, name, seen, host, url],
    )
  }

  /** Is it still ours? One that has run out, and that nobody has taken, is. */
  renew(name: string, connected: boolean): Promise<boolean> {
    const lost = connected ? 'NULL' : 'COALESCE(tm_lost, UTC_TIMESTAMP(6))'
    return this.#changed(
      `UPDATE nodes SET tm_expire = ${expiry}, tm_seen = UTC_TIMESTAMP(6), tm_lost = ${lost} WHERE name = ? AND holder = ?`,
      [name, this.holder.id],
    )
  }

  /** Whoever wants it may have it at once. */
  async release(name: string): Promise<void> {
    await this.#changed(
      `UPDATE nodes SET holder = NULL, identity = NULL, tm_expire = UTC_TIMESTAMP(6) WHERE name = ? AND holder = ?`,
      [name, this.holder.id],
    )
  }

  /**
   * Records which Asterisk answers at this address. Rejects where a process carries the same one by another address. What
   * was carried by an address that nobody uses any more is carried by this one from now on.
   */
  async identify(name: string, identity: string): Promise<void> {
    try {
      await transaction(this.#database, async (manager) => {
        const others: { name: string }[] = await manager.query(
          `SELECT name FROM nodes WHERE identity = ? AND name <> ? AND (holder IS NULL OR tm_expire <= UTC_TIMESTAMP(6)) FOR UPDATE`,
          [identity, name],
        )
        for (const other of others) {
          for (const table of ['calls', 'groupcalls', 'recordings', 'transcribes'])
            await manager.query(`UPDATE ${table} SET node = ? WHERE node = ? AND ${open[table]} IS NULL`, [
              name,
              other.name,
            ])
          await manager.query('UPDATE nodes SET identity = NULL WHERE name = ?', [other.name])
        }
        await manager.query('UPDATE nodes SET identity = ? WHERE name = ?', [identity, name])
      })
    } catch (error) {
      if (isDuplicate(error, 'nodes_identity')) throw new SameAsterisk('it is carried already, by another address')
      throw error
    }
  }

  async #changed(sql: string, values: readonly unknown[]): Promise<boolean> {
    const { affectedRows } = await this.#database.query<{ affectedRows: number }>(sql, [...values])
    return affectedRows > 0
  }
}

/** What says of a row that it has not ended. */
const open: Readonly<Record<string, string>> = {
  ...{ calls: 'tm_hangup', groupcalls: 'tm_hangup', recordings: 'tm_end', transcribes: 'tm_end' },
}

export class SameAsterisk extends Error {}
