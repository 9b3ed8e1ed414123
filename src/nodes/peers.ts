import { createHmac, timingSafeEqual } from 'node:crypto'
import type { DataSource } from '../database.ts'
import type { Holder } from './node.ts'

/** How old the signature of a request may be that another process has passed on, in seconds. */
const longestSeconds = 60

/** The processes that share the database: who carries what, and how they know each other. */
export class Peers {
  readonly #database: DataSource
  readonly #holder: Holder
  readonly #keys: readonly Buffer[]

  /** The first key signs, and each of them is known. None: requests are not passed on. */
  constructor(database: DataSource, holder: Holder, keys: readonly Buffer[]) {
    this.#database = database
    this.#holder = holder
    this.#keys = keys
  }

  get isUsable(): boolean {
    return this.#keys.length > 0
  }

  /** The URL of the process that carries the Asterisk, or any that is connected; undefined: nobody does at the moment. */
  async urlOf(node: string | undefined): Promise<string | undefined> {
    const which = node === undefined ? 'tm_lost IS NULL AND holder <> ?' : 'name = ?'
    const rows: { holder_url: string }[] = await this.#database.query(
      `SELECT holder_url FROM nodes WHERE holder IS NOT NULL AND tm_expire > UTC_TIMESTAMP(6) AND ${which} ORDER BY name LIMIT 1`,
      [node ?? this.#holder.id],
    )
    return rows[0]?.holder_url
  }

  sign(method: string, path: string): string {
    const seconds = String(Math.floor(Date.now() / 1000))
    return `${seconds}.${signature(this.#keys[0]!, seconds, method, path).toString('hex')}`
  }

  /** Has a process of ours signed this? */
  verify(text: string, method: string, path: string): boolean {
    const [, seconds = '', hex = ''] = /^(\d{1,12})\.([0-9a-f]{64})$/.exec(text) ?? []
    if (Math.abs(Date.now() / 1000 - Number(seconds)) > longestSeconds) return false
    const given = Buffer.from(hex, 'hex')
    return this.#keys.some((key) => timingSafeEqual(signature(key, seconds, method, path), given))
  }
}

function signature(key: Buffer, seconds: string, method: string, path: string): Buffer {
  return createHmac('sha256', key).update(`${seconds} ${method.toUpperCase()} ${path}`).digest()
}

/** The keys of the processes: from a secret of their own, or else from the keys that they share anyway. */
export function clusterKeys(secret: string, secretKeys: readonly { readonly key: Buffer }[]): Buffer[] {
  const shared = secret === '' ? secretKeys.map(({ key }) => key) : [Buffer.from(secret)]
  return shared.map((key) => createHmac('sha256', key).update('hashdial cluster').digest())
}
