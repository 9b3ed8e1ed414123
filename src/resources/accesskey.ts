import { createHash, randomInt } from 'node:crypto'
import Joi from 'joi'
import { Entity, Index, Unique } from 'typeorm'
import { BelongsTo, Exact, Fixed, Id, Text, Time } from '../database/columns.ts'
import { common, detail, id, name, time, times } from './fields.ts'
import type { Resource } from './resource.ts'

@Entity({ name: 'accesskeys' })
@Unique('accesskeys_token_hash', ['token_hash'])
@Index('accesskeys_newest', ['customer_id', 'tm_create', 'id'])
export class Accesskey {
  @Id() id: string
  @BelongsTo('customers', 'accesskeys_customer') customer_id: string
  @Text(255) name: string
  @Text(1024) detail: string
  @Fixed(64) token_hash: string
  @Exact(16) token_prefix: string
  @Time({ nullable: true }) tm_expire: string | null
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
  /** Only in the object that was just made: nothing can bring it back. */
  token?: string
}

const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** 32 of 62 letters are 190 bits: one SHA-256 without a salt is enough, because nobody can try them all. */
export function newToken(prefix: string): string {
  return `${prefix}_${Array.from({ length: 32 }, () => letters[randomInt(letters.length)]).join('')}`
}

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

const tmExpire = time()
  .allow(null)
  .custom((value: string, helpers) => {
    const moment = new Date(value)
    if (!(moment > new Date())) return helpers.error('expire.past')
    // MySQL knows no year that has five digits; a time zone can make one of 9999.
    return moment < new Date('9999-12-31') ? moment.toISOString().replace('Z', '000Z') : helpers.error('expire.far')
  })
  .messages({
    'expire.past': '{{#label}} is in the past; give a time that is still to come, or null for never',
    'expire.far': '{{#label}} is too far away; give a time before 9999-12-31, or null for never',
  })
  .description('When it stops working; null: never.')

export const accesskeys: Resource<Accesskey> = {
  type: 'accesskey',
  plural: 'accesskeys',
  about: 'The keys of a customer. A key makes further ones; the admin key makes the first one of a customer.',
  entity: Accesskey,
  access: 'both',
  deletable: true,
  once: ['token'],
  schema: {
    read: Joi.object({
      ...common,
      token: Joi.string().description('The key itself: only the answer to create has it.'),
      token_prefix: Joi.string()
        .required()
        .description('How it begins, to tell it from others.')
        .example('hd_a1B2c3D4'),
      tm_expire: time().allow(null).required().description('When it stops working; null: never.'),
      ...times,
    }),
    create: Joi.object({
      name: name.default(''),
      detail: detail.default(''),
      tm_expire: tmExpire.default(null),
      customer_id: id().description('Whose key it is: the admin key must give it, a customer need not.'),
    }),
    update: Joi.object({ name, detail, tm_expire: tmExpire }),
    filter: Joi.object({ customer_id: id() }),
  },
  make() {
    const token = newToken('hd')
    return { token, token_hash: hashToken(token), token_prefix: token.slice(0, 11) }
  },
}

/** Those of the keys that still work, by their hashes. */
export async function workingKeys(
  database: { query(sql: string, parameters: unknown[]): Promise<{ token_hash: string }[]> },
  hashes: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await database.query(
    `SELECT token_hash FROM accesskeys WHERE token_hash IN (${hashes.map(() => '?').join()}) ` +
      'AND (tm_expire IS NULL OR tm_expire > UTC_TIMESTAMP(6))',
    [...hashes],
  )
  return new Set(rows.map(({ token_hash }) => token_hash))
}

/** The customer whose key this is, if it is one that still works. One indexed query; nothing is remembered. */
export async function customerOfToken(
  database: { query(sql: string, parameters: unknown[]): Promise<{ customer_id: string }[]> },
  token: string,
): Promise<string | undefined> {
  if (!/^hd_[0-9A-Za-z]{32}$/.test(token)) return undefined
  const [row] = await database.query(
    `SELECT customer_id FROM accesskeys WHERE token_hash = ? AND (tm_expire IS NULL OR tm_expire > UTC_TIMESTAMP(6))`,
    [hashToken(token)],
  )
  return row?.customer_id
}
