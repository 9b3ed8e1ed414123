import Joi from 'joi'
import { Entity, Index, Unique } from 'typeorm'
import { BelongsTo, Exact, Flag, Id, Text, Time } from '../database/columns.ts'
import { DirectHash } from '../directs/direct.ts'
import { issue, regenerate, revoke } from '../directs/issue.ts'
import { addAccount, domainName, setOutbound, setPassword } from '../registrar/account.ts'
import { recentFailures, Registration, viewRegistration, type RegistrationView } from '../registrar/registration.ts'
import { common, detail, direct, name, password, time, times } from './fields.ts'
import type { DialableResource } from './resource.ts'

@Entity({ name: 'extensions' })
@Unique('extensions_username', ['customer_id', 'username'])
@Index('extensions_newest', ['customer_id', 'tm_create', 'id'])
export class Extension {
  @Id() id: string
  @BelongsTo('customers', 'extensions_customer') customer_id: string
  @Text(255) name: string
  @Text(1024) detail: string
  @Exact(64) username: string
  @Exact(255) domain_name: string
  @Flag() outbound: boolean
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
  @DirectHash('extension') direct_hash: string
  /** Kamailio's row, joined; complete() makes of it what is shown. */
  registration: Registration | RegistrationView | null

  /** The seeds use both names. */
  get extension(): string {
    return this.username
  }
}

const username = Joi.string()
  .pattern(/^[A-Za-z0-9._-]{1,64}$/)
  .messages({ 'string.pattern.base': '{{#label}} must have 1 to 64 letters, digits, dots, hyphens and underscores' })
  .description('What the device logs in as; fixed.')
  .example('office1')

const failure = Joi.object({
  source_address: Joi.string().required().description('An IPv4 address, or the /64 network of an IPv6 address.'),
  reason: Joi.string()
    .required()
    .example('wrong_password')
    .description(
      'wrong_password; too_many_failures: no password was looked at any more; already_registered: another device is; ' +
        'cseq_out_of_order: an older request of the device that is registered.',
    ),
  count: Joi.number().integer().required(),
  tm_first: time().required(),
  tm_last: time().required(),
})

const registration = Joi.object({
  status: Joi.valid('registered', 'unreachable', 'unregistered')
    .required()
    .description('unreachable: it is registered, but does not answer any more.'),
  contact: Joi.string().allow('').required(),
  source_address: Joi.string().allow('').required(),
  transport: Joi.string().allow('').required(),
  user_agent: Joi.string().allow('').required(),
  tm_registered: time().allow(null).required(),
  tm_expire: time().allow(null).required(),
  rtt_ms: Joi.number().integer().allow(null).required().description('How long its last answer to OPTIONS took.'),
  failures: Joi.array().items(failure).required().description('Who failed to register lately, the latest first.'),
})

const outbound = Joi.boolean().description(
  "May its device dial numbers, which go out by the customer's trunks and cost money? Whoever guesses its password may too.",
)

const create = Joi.object({
  name: name.default(''),
  detail: detail.default(''),
  username,
  extension: username.description('Another name for username; give one of them.'),
  outbound: outbound.default(false),
  password: password.required(),
})
  .or('username', 'extension')
  .custom(({ extension, ...body }: Record<string, unknown>, helpers) => {
    body.username ??= extension
    return extension === undefined || extension === body.username ? body : helpers.error('username.differs')
  })
  .messages({
    'username.differs': '"extension" is another name for "username", and they differ: give one of them',
    'object.missing': '"username" is required',
  })

const update = Joi.object({
  name,
  detail,
  password,
  outbound,
  username: Joi.forbidden(),
  extension: Joi.forbidden(),
  direct: Joi.boolean().description('true: have a direct address; false: have none.'),
  direct_regenerate: Joi.boolean().description('true: a new direct address, and the old one is dead.'),
})
  .custom((body: Record<string, unknown>, helpers) =>
    body.direct === false && body.direct_regenerate === true ? helpers.error('direct.both') : body,
  )
  .messages({
    'any.unknown': '{{#label}} is fixed: make another extension and delete this one',
    'direct.both': '"direct": false takes the address away and "direct_regenerate" makes a new one: give one of them',
  })

export const extensions: DialableResource<Extension> = {
  type: 'extension',
  plural: 'extensions',
  about: 'What a device registers as. Anyone can call it at its direct address.',
  entity: Extension,
  deletable: true,
  direct: 'on create',
  unique: {
    extensions_username: {
      field: 'username',
      problem: 'this username is taken: choose another one, or change the extension that has it',
    },
  },
  schema: {
    read: Joi.object({
      ...common,
      username: username.required(),
      extension: username.required().description('The same as username.'),
      domain_name: Joi.string().required().description('The domain that the device registers at.'),
      outbound: outbound.required(),
      ...direct,
      registration: registration.required().description('Where its device is, true within a second.'),
      ...times,
    }),
    create,
    update,
  },
  // By its SIP address: the row is at hand, so connect need not look it up again.
  steps: ({ username, domain_name }) => [
    {
      type: 'connect',
      option: { destinations: [{ type: 'sip', target: `sip:${username}@${domain_name}` }], relay_reason: true },
    },
  ],
  make: ({ customer_id }, { baseDomain }) => ({ domain_name: domainName(String(customer_id), baseDomain) }),
  created: ({ row, body, manager, site }) => addAccount(manager, row, body.password as string, site.baseDomain),
  async updated({ row, body, manager, site }) {
    const owner = { type: 'extension', id: row.id, customer_id: row.customer_id }
    if (body.outbound !== undefined) await setOutbound(manager, row)
    if (body.password !== undefined) await setPassword(manager, row, body.password as string, site.baseDomain)
    if (body.direct_regenerate === true) await regenerate(manager, owner, site)
    else if (body.direct === true) await issue(manager, owner, site)
    else if (body.direct === false) await revoke(manager, owner)
  },
  select: (query) =>
    query.leftJoinAndMapOne('row.registration', Registration, 'registration', 'registration.extension_id = row.id'),
  async complete(rows, manager) {
    const ids = rows.map(({ id }) => id)
    const failures = await recentFailures(manager, ids)
    for (const row of rows) row.registration = viewRegistration(row.registration, failures.get(row.id) ?? [])
  },
}
