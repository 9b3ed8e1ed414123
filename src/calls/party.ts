import Joi from 'joi'
import type { DataSource } from '../database.ts'
import { HashdialError } from '../errors.ts'
import type { Directory } from './directory.ts'
import type { Endpoint } from './leg.ts'
import { nextHop } from './next-hop.ts'
import type { Address, CallRow } from './row.ts'
import { parseSipAddress, placeOf, sipUri, wrongAddress } from './sip-address.ts'
import { fromDomain } from './stamp.ts'
import { findTel, telNumber } from './tel.ts'

/** Where somebody is to be called. */
export interface Destination {
  type: 'extension' | 'sip' | 'tel'
  /** An extension's id; a SIP URI; a number. */
  target?: string
  /** An extension's username, instead of its id. */
  target_name?: string
}

/** What the target of a type has to be. */
export const targets = [
  { is: 'sip', then: sipUri.required() },
  { is: 'tel', then: telNumber.required() },
]

export const destination = Joi.object<Destination>({
  type: Joi.valid('extension', 'sip', 'tel').required(),
  target: Joi.when('type', { switch: targets }),
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

export interface ResolvedDestination extends Endpoint {
  /** As the columns of a call have it. */
  address: Address
  /** It is somebody else, or costs money: not a device of the customer's own. */
  outward: boolean
}

/** Why a party cannot be called: there is none such, or it is not for this customer to call. */
export interface Problem {
  problem: string
  allowed: boolean
  /** There is such a one, who cannot be called now. */
  isUnreachable?: boolean
}

/**
 * Where the customer's party is, and how a call to it is shown. Every destination comes through here, after variables are
 * filled in: what the customer may reach is decided here, and once more by Kamailio (kamailio/hashdial-leg.cfg).
 */
export async function resolveDestination(
  directory: Directory,
  customerId: string,
  { type, ...named }: Destination,
): Promise<ResolvedDestination | Problem> {
  const { target = '', target_name = '' } = named
  if (type === 'sip') return findSip(directory, customerId, { type, target, target_name })
  if (type === 'tel') {
    const found = await findTel(directory, customerId, target)
    if (!found) return { problem: `you have no trunk to call ${target}`, allowed: true }
    return { ...found, address: { type, target, target_name }, outward: true }
  }
  const row = await findExtension(directory.database, customerId, named)
  if (!row) return { problem: `you have no extension ${target || target_name}`, allowed: true }
  const address = { type, target: row.id, target_name: row.username }
  return { endpoint: `PJSIP/hashdial/sip:${row.username}@${row.domain_name}`, address, outward: false }
}

/** Those that were found. Throws a HashdialError that names what is wrong with the others, which `field` gave. */
export function foundDestinations(
  all: readonly (ResolvedDestination | Problem)[],
  field: string,
): ResolvedDestination[] {
  const problems = all.filter((each) => 'problem' in each)
  if (problems.length > 0) throw problemsError(problems, field)
  return all as ResolvedDestination[]
}

/** What is told of destinations that cannot be called, which `field` gave. */
export function problemsError(problems: readonly Problem[], field: string): HashdialError {
  const details = problems.map(({ problem }) => ({ field, problem }))
  const told = [...new Set(details.map(({ problem }) => problem))].join('; ')
  if (problems.every(({ isUnreachable }) => isUnreachable))
    return new HashdialError('FAILED_PRECONDITION', 'AGENT_UNREACHABLE', told, details)
  if (problems.every(({ allowed }) => allowed))
    return new HashdialError('NOT_FOUND', 'DESTINATION_NOT_FOUND', told, details)
  return new HashdialError('INVALID_ARGUMENT', 'DESTINATION_NOT_ALLOWED', told, details)
}

async function findSip(
  { baseDomain, web }: Pick<Directory, 'baseDomain' | 'web'>,
  customerId: string,
  address: Address,
): Promise<ResolvedDestination | Problem> {
  const problem = wrongAddress(address.target, customerId, baseDomain)
  if (problem) return { problem, allowed: false }
  const parsed = parseSipAddress(address.target)!
  const place = placeOf(parsed.host, customerId, baseDomain)
  const found = { endpoint: `PJSIP/hashdial/${parsed.uri}`, address, outward: !isOwnDevice(parsed.host, place) }
  if (place !== 'outside') return found
  const next = await nextHop(web, parsed)
  if (next) return { ...found, next }
  const why = 'is not on the public internet, or nowhere; the operator can allow its network (HASHDIAL_FETCH_PRIVATE)'
  return { problem: `${parsed.host} ${why}`, allowed: false }
}

const isOwnDevice = (host: string, place: string): boolean => place === 'own' && host.split('.')[1] === 'registrar'

/** Who is shown as the caller, and at which domain. */
export interface CallerId {
  address: Address
  domain: string
}

export async function addressOf(
  { database, baseDomain }: Pick<Directory, 'database' | 'baseDomain'>,
  customerId: string,
  of: Source,
): Promise<CallerId> {
  const { type, target = '', target_name = '' } = of
  const extension = type === 'extension' && (await findExtension(database, customerId, of))
  if (extension) {
    const address = { type, target: extension.id, target_name: extension.username }
    return { address, domain: extension.domain_name }
  }
  const host = type === 'sip' ? parseSipAddress(target)?.host : undefined
  const domain = host && placeOf(host, customerId, baseDomain) !== 'foreign' ? host : `sip.${baseDomain}`
  return { address: { type, target, target_name }, domain }
}

/** A carrier knows the customer by his own numbers: the one that was dialled, when it is numbers that are called. */
export function presentationNumber(
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
export function callerIdOf(from: CallerId | undefined, anonymous = false): Record<string, string> | undefined {
  const nobody = { ...connectedLine('anonymous', 'Anonymous'), ...fromDomain('anonymous.invalid') }
  if (anonymous) return { ...nobody, 'PJSIP_HEADER(add,Privacy)': 'id' }
  const { type, target, target_name } = from?.address ?? { type: '', target: '', target_name: '' }
  if (!from || (!target && !target_name)) return undefined
  const number = type === 'extension' ? target_name || target : target.replace(/^sips?:/, '').replace(/[@;].*$/, '')
  return { ...connectedLine(number, target_name), ...fromDomain(from.domain) }
}

function connectedLine(number: string, name: string): Record<string, string> {
  return { ...(number && { 'CONNECTEDLINE(num,i)': number }), ...(name && { 'CONNECTEDLINE(name,i)': name }) }
}

export async function findExtension(
  database: Pick<DataSource, 'query'>,
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
