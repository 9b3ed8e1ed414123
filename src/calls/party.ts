import Joi from 'joi'
import type { DataSource } from '../database.ts'
import type { Address, CallRow, Exchange } from './call.ts'
import type { Destination } from './leg.ts'
import { findTel, telNumber } from './tel.ts'

/** Who is to be called. */
export interface Party {
  type: 'extension' | 'sip' | 'tel'
  /** An extension's id; a SIP URI; a number. */
  target?: string
  /** An extension's username, instead of its id. */
  target_name?: string
}

const sipUri = Joi.string().pattern(/^sips?:[^\s<>"]{1,250}$/)

export const party = Joi.object<Party>({
  type: Joi.valid('extension', 'sip', 'tel').required(),
  target: Joi.when('type', {
    switch: [
      { is: 'sip', then: sipUri.required() },
      { is: 'tel', then: telNumber.required() },
    ],
  }),
  target_name: Joi.string().max(255),
}).or('target', 'target_name')

/** Whom the far end sees as the caller. */
export interface Source {
  type: 'extension' | 'sip' | 'tel'
  /** An extension's id; a SIP URI; a number. */
  target?: string
  /** An extension's username; the name that is shown with the others. */
  target_name?: string
}

const shown = Joi.string()
  .max(255)
  .pattern(/^[^\p{Cc}"\\<>]*$/u)

export const source = Joi.object<Source>({
  type: Joi.valid('extension', 'sip', 'tel').required(),
  target: Joi.when('type', { is: 'extension', then: shown, otherwise: shown.required() }),
  target_name: shown,
}).or('target', 'target_name')

export interface FoundParty extends Destination {
  /** As the columns of a call have it. */
  address: Address
}

/** Where the customer's party is, and how a call to it is shown; undefined: there is no such one. */
export async function findParty(
  exchange: Pick<Exchange, 'database' | 'baseDomain'>,
  customerId: string,
  { type, ...named }: Party,
): Promise<FoundParty | undefined> {
  const { target = '', target_name = '' } = named
  if (type === 'sip') return { endpoint: `PJSIP/hashdial/${target}`, address: { type, target, target_name } }
  if (type === 'tel') {
    const found = await findTel(exchange, customerId, target)
    return found && { ...found, address: { type, target, target_name } }
  }
  const row = await findExtension(exchange.database, customerId, named)
  if (!row) return undefined
  const address = { type, target: row.id, target_name: row.username }
  return { endpoint: `PJSIP/hashdial/sip:${row.username}@${row.domain_name}`, address }
}

/** The same of who is shown as the caller. */
export async function addressOf(
  { database }: Pick<Exchange, 'database'>,
  customerId: string,
  of: Source,
): Promise<Address> {
  const { type, target = '', target_name = '' } = of
  const extension = type === 'extension' && (await findExtension(database, customerId, of))
  return extension ? { type, target: extension.id, target_name: extension.username } : { type, target, target_name }
}

/** A carrier knows the customer by his own numbers: the one that was dialled, when it is numbers that are called. */
export function ownNumber(
  { destination: { type, target_name: target } }: Pick<CallRow, 'destination'>,
  called: readonly { type: string }[],
): Address | undefined {
  if (type !== 'number' || called.some((party) => party.type !== 'tel')) return undefined
  return { type: 'tel', target, target_name: '' }
}

/**
 * The channel variables that make a leg show `from` as its caller; undefined: it shows who calls. (From is made of the
 * connected line: res_pjsip_caller_id.c. RFC 3323 has the words for who wants to stay unknown.)
 */
export function identityOf(from: Address | undefined, anonymous = false): Record<string, string> | undefined {
  if (anonymous) return { ...connectedLine('anonymous', 'Anonymous'), 'PJSIP_HEADER(add,Privacy)': 'id' }
  if (!from?.target && !from?.target_name) return undefined
  if (from.type === 'extension') return connectedLine(from.target_name || from.target, from.target_name)
  return connectedLine(from.target.replace(/^sips?:/, '').replace(/[@;].*$/, ''), from.target_name)
}

function connectedLine(number: string, name: string): Record<string, string> {
  return { ...(number && { 'CONNECTEDLINE(num,i)': number }), ...(name && { 'CONNECTEDLINE(name,i)': name }) }
}

async function findExtension(
  database: DataSource,
  customerId: string,
  { target, target_name }: Omit<Source, 'type'>,
): Promise<{ id: string; username: string; domain_name: string } | undefined> {
  const [column, value] = target ? ['id', target] : ['username', target_name]
  const rows: { id: string; username: string; domain_name: string }[] = await database.query(
    `SELECT id, username, domain_name FROM extensions WHERE ${column} = ? AND customer_id = ?`,
    [value, customerId],
  )
  return rows[0]
}
