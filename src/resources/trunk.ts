import Joi from 'joi'
import { Entity, Index } from 'typeorm'
import { BelongsTo, Exact, Id, Text, Time } from '../database/columns.ts'
import { HashdialError } from '../errors.ts'
import { parseNetwork } from '../registrar/network.ts'
import { addressesOf, removeTrunkAccount, setAddresses, setTrunkAccount } from '../registrar/trunk.ts'
import { isOutOfReach, spelledAddress } from '../web-hosts.ts'
import { Web } from '../web.ts'
import { common, detail, name, password, times } from './fields.ts'
import type { Body, Change, Resource, Site } from './resource.ts'

type AuthType = 'basic' | 'ip'

@Entity({ name: 'trunks' })
@Index('trunks_newest', ['customer_id', 'tm_create', 'id'])
export class Trunk {
  @Id() id: string
  @BelongsTo('customers', 'trunks_customer') customer_id: string
  @Text(255) name: string
  @Text(1024) detail: string
  @Exact(255) domain_name: string
  @Exact(16, { transformer: { to: (types: string[]) => types.join(), from: (text: string) => text.split(',') } })
  auth_types: AuthType[]
  @Exact(64) username: string
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
  /** From Kamailio's table, by complete(). */
  allowed_ips: string[]
}

const domainName = Joi.string()
  .max(255)
  .lowercase()
  .pattern(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(:\d{1,5})?$/)
  .messages({ 'string.pattern.base': '{{#label}} must be a domain name or an IPv4 address, with :port if not 5060' })
  .description('Where calls to a tel are sent. It has to know us by our address: the password is for its calls to us.')
  .example('sip.provider.example')

const authTypes = Joi.array()
  .items(Joi.valid('basic', 'ip'))
  .min(1)
  .unique()
  .description(
    'What lets its calls in: basic (digest with username and password), ip (allowed_ips), or either of both.',
  )
  .example(['ip'])

const username = Joi.string()
  .allow('')
  .pattern(/^([A-Za-z0-9._+@-]{1,64})?$/)
  .messages({ 'string.pattern.base': '{{#label}} must have 1 to 64 letters, digits and . _ + @ -' })
  .description('For basic: what the trunk logs in as; no two trunks of a customer have the same.')

const network = Joi.string()
  .max(64)
  .custom((value: string, helpers) => {
    const parsed = parseNetwork(value)
    if (!parsed) return helpers.error('network.unknown')
    return parsed.network.endsWith('/0') ? helpers.error('network.all') : value
  })
  .messages({
    'network.unknown': '{{#label}} must be an address or a network, such as 192.0.2.7 or 192.0.2.0/28',
    'network.all': '{{#label}} is every address that there is: anyone could call in; name the networks',
  })

const allowedIps = Joi.array()
  .items(network)
  .max(100)
  .description('For ip: the addresses and networks (CIDR) that its calls come from.')
  .example(['192.0.2.7', '198.51.100.0/24'])

export const trunks: Resource<Trunk> = {
  type: 'trunk',
  plural: 'trunks',
  about: "A way to the telephone network: it brings calls to the customer's numbers, and takes calls to others.",
  entity: Trunk,
  deletable: true,
  unique: {
    trunk_accounts_username: { field: 'username', problem: 'another trunk of yours has this username' },
  },
  schema: {
    read: Joi.object({
      ...common,
      domain_name: domainName.required(),
      auth_types: authTypes.required(),
      username: username.required(),
      allowed_ips: allowedIps.required(),
      ...times,
    }),
    create: Joi.object({
      name: name.default(''),
      detail: detail.default(''),
      domain_name: domainName.required(),
      auth_types: authTypes.required(),
      username: username.default(''),
      password,
      allowed_ips: allowedIps.default([]),
    }),
    update: Joi.object({
      name,
      detail,
      domain_name: domainName,
      auth_types: authTypes,
      username,
      password,
      allowed_ips: allowedIps,
    }),
  },
  async prepare(body, { site }) {
    await checkDomainName(body, site)
    return body
  },
  created: letIn,
  updated: letIn,
  async complete(rows, manager) {
    const ids = rows.map(({ id }) => id)
    const addresses = await addressesOf(manager, ids)
    for (const row of rows) row.allowed_ips = addresses.get(row.id) ?? []
  },
}

/** A trunk is where a customer says, and must not be where only we get: Kamailio would send calls to it. */
async function checkDomainName({ domain_name }: Body, { baseDomain, trunkHosts = new Web() }: Site): Promise<void> {
  if (typeof domain_name !== 'string') return
  const host = domain_name.replace(/:\d+$/, '')
  const address = spelledAddress(host)
  if (address && address !== host) throw missing('domain_name', `write the address as ${address}`)
  if (`.${host}`.endsWith(`.${baseDomain}`)) throw missing('domain_name', `${host} is ours: name the trunk's own`)
  if (!(await isOutOfReach(host, trunkHosts))) return
  const how = 'the operator can allow its network (HASHDIAL_TRUNK_PRIVATE)'
  throw missing('domain_name', `${host} is not on the public internet, or does not exist; ${how}`)
}

/** Kamailio's tables have rows only for what auth_types names. */
async function letIn({ row, body, manager, site }: Change<Trunk, Record<string, unknown>>): Promise<void> {
  const given = body as { password?: string; allowed_ips?: string[] }
  if (row.auth_types.includes('basic')) {
    if (row.username === '') throw missing('username', 'auth_types has basic: give a username and a password')
    if (!(await setTrunkAccount(manager, row, given.password, site.baseDomain)))
      throw missing('password', 'give the password too: it is kept only as a hash, with the username in it')
  } else {
    if (given.password !== undefined) throw missing('auth_types', 'there is a password, but auth_types has no basic')
    await removeTrunkAccount(manager, row)
  }
  if (row.auth_types.includes('ip')) {
    const networks = given.allowed_ips ?? row.allowed_ips
    if (networks.length === 0) throw missing('allowed_ips', 'auth_types has ip: name at least one address or network')
    await setAddresses(manager, row, networks)
  } else {
    if (given.allowed_ips?.length) throw missing('auth_types', 'there are allowed_ips, but auth_types has no ip')
    await setAddresses(manager, row, [])
  }
}

function missing(field: string, problem: string): HashdialError {
  return new HashdialError('INVALID_ARGUMENT', 'INVALID_ARGUMENT', `${field}: ${problem}`, [{ field, problem }])
}
