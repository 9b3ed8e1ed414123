import Joi from 'joi'
import { queuesOf } from '../acd/state.ts'
import { Column, Entity, Index, Unique } from 'typeorm'
import type { Destination } from '../calls/party.ts'
import type { Address } from '../calls/row.ts'
import { now } from '../database.ts'
import { BelongsTo, Count, Exact, Id, Json, Reference, Text, Time } from '../database/columns.ts'
import { DirectHash } from '../directs/direct.ts'
import { checkedAddresses, givenAddresses, shownAddresses } from './agent-addresses.ts'
import { hashPassword } from '../passwords.ts'
import { checkTags, givenTags, setTags, shownTags, tagsOf, type TagLevel } from './agent-tags.ts'
import { removeTokens } from './agent-token.ts'
import { common, detail, direct, id, name, password as anyPassword, text, time, times } from './fields.ts'
import { present } from './present.ts'
import { Queuecall, queuecalls } from './queuecall.ts'
import type { Body, Change, DialableResource } from './resource.ts'

@Entity({ name: 'agents' })
@Unique('agents_username', ['customer_id', 'username'])
@Index('agents_newest', ['customer_id', 'tm_create', 'id'])
@Index('agents_queuecall', ['queuecall_id'])
@Index('agents_wrap_up', ['tm_wrap_up'])
export class Agent {
  @Id() id: string
  @BelongsTo('customers', 'agents_customer') customer_id: string
  @Text(255) name: string
  @Text(1024) detail: string
  @Exact(64) username: string
  @Exact(255) password_hash: string
  @Exact(8) ring_method: 'ring_all' | 'linear'
  @Exact(16) status: 'available' | 'away' | 'busy' | 'ringing' | 'offline'
  @Text(255) status_reason: string
  @Time() tm_status: string
  @Reference({ nullable: true }) queuecall_id: string | null
  @Exact(16, { default: '' }) next_status: string
  @Column({ type: 'varchar', length: 255, default: '' }) next_reason: string
  @Count({ default: 0 }) missed: number
  @Count({ default: 0 }) serviced: number
  @Column({ type: 'datetime', precision: 6, default: () => "'2000-01-01 00:00:00.000000'" }) tm_idle: string
  @Time({ nullable: true }) tm_wrap_up: string | null
  @Json('text') addresses: Address[]
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
  @DirectHash('agent') direct_hash: string
  /** From their own table, by complete(). */
  tag_ids: TagLevel[]
}

export const username = Joi.string()
  .pattern(/^[A-Za-z0-9._-]{1,64}$/)
  .messages({ 'string.pattern.base': '{{#label}} must have 1 to 64 letters, digits, dots, hyphens and underscores' })
  .description('What the agent logs in as; fixed.')
  .example('jane')

export const password = anyPassword.description(
  'What the agent logs in with. Kept only as a hash (scrypt). A new one ends all of its logins.',
)

const ringMethod = Joi.valid('ring_all', 'linear').description('Its addresses ring all at once, or one after another.')

const elsewhere = (part: string) =>
  Joi.forbidden().messages({ 'any.unknown': `{{#label}} has a path of its own: PUT it to /${part} of the agent` })

const update = Joi.object({
  ...{ name, detail, password, ring_method: ringMethod, tag_ids: givenTags, addresses: givenAddresses },
  username: Joi.forbidden().messages({
    'any.unknown': '{{#label}} is fixed: make another agent and delete this one',
  }),
  ...{ status: elsewhere('status'), status_reason: elsewhere('status') },
})

const setStatus = Joi.object({
  status: Joi.valid('available', 'away', 'offline')
    .required()
    .messages({ 'any.only': '{{#label}} must be available, away or offline: ringing and busy come with calls' }),
  reason: text(255).default('').description('Why, for others to see.').example('lunch'),
})

const shownCalls = 100

const listOf = (item: Joi.ObjectSchema) => Joi.object({ result: Joi.array().items(item).required() })

export const agents: DialableResource<Agent> = {
  type: 'agent',
  plural: 'agents',
  about:
    'Somebody who takes calls. A call to it rings its addresses, also while it is away; one that is offline, or has no ' +
    'address, cannot be reached (480). It logs in with its username and password (POST /v1.0/auth/login).',
  entity: Agent,
  deletable: true,
  direct: 'on request',
  forAgents: true,
  unique: {
    agents_username: { field: 'username', problem: 'this username is taken: choose another one' },
  },
  schema: {
    read: Joi.object({
      ...{ ...common, username: username.required(), ring_method: ringMethod.required() },
      status: Joi.valid('available', 'away', 'busy', 'ringing', 'offline').required(),
      status_reason: Joi.string().allow('').required().description('Why, as it was given with the status.'),
      tm_status: time().required().description('When the status became what it is.'),
      ...{ tag_ids: shownTags, addresses: shownAddresses, ...direct, ...times },
    }),
    create: Joi.object({
      ...{ name: name.default(''), detail: detail.default('') },
      ...{ username: username.required(), password: password.required() },
      ...{ ring_method: ringMethod.default('ring_all') },
      ...{ tag_ids: givenTags.default([]), addresses: givenAddresses.default([]) },
    }),
    update,
  },
  steps: ({ id }) => [
    { type: 'connect', option: { destinations: [{ type: 'agent', target: id }], relay_reason: true } },
  ],
  async prepare(body) {
    return typeof body.password === 'string' ? { ...body, password_hash: await hashPassword(body.password) } : body
  },
  async check(body, { customer_id, manager, site: { baseDomain } }) {
    await checkTags(manager, customer_id, body.tag_ids)
    if (body.addresses === undefined) return body
    const list = body.addresses as Destination[]
    return { ...body, addresses: await checkedAddresses(list, { customer_id, manager, baseDomain }) }
  },
  make: ({ tm_create }) => ({
    ...{ status: 'offline', status_reason: '', tm_status: String(tm_create), tm_idle: String(tm_create) },
  }),
  stored: ({ customer_id }, site) => site.queues?.wake(customer_id),
  created: store,
  updated: store,
  async complete(rows, manager) {
    const ids = rows.map(({ id }) => id)
    const tags = await tagsOf(manager, ids)
    for (const row of rows) row.tag_ids = tags.get(row.id) ?? []
  },
  views: {
    queues: {
      summary: 'See which queues it serves',
      answer: listOf(Joi.object({ id: id().required(), name: name.required() })),
      forAgents: true,
      read: async (row, { database }) => ({ result: await queuesOf(database, row) }),
    },
    queuecalls: {
      summary: `See the last ${shownCalls} callers of queues that it has served, the newest first`,
      answer: listOf(queuecalls.schema.read),
      forAgents: true,
      async read({ id: service_agent_id }, site) {
        const order = { order: { tm_create: 'DESC' }, take: shownCalls } as const
        const rows = await site.database.getRepository(Queuecall).find({ where: { service_agent_id }, ...order })
        return { result: rows.map((row) => present(queuecalls, row, site)) }
      },
    },
  },
  parts: {
    status: {
      summary: 'Say whether it takes calls',
      body: setStatus,
      forAgents: true,
      happened: 'status_updated',
      changes: changedStatus,
    },
    addresses: {
      summary: 'Say where it is called',
      body: Joi.object({ addresses: givenAddresses.required() }),
    },
    tag_ids: { summary: 'Say which tags it has', body: Joi.object({ tag_ids: givenTags.required() }) },
  },
}

/** What is in other tables. */
async function store({ row, body, manager }: Change<Agent, Body>): Promise<void> {
  if (body.tag_ids !== undefined) await setTags(manager, row.id, body.tag_ids)
  // They were given for the password before.
  if (body.password !== undefined) await removeTokens(manager, row.id)
}

/** While it rings or talks what is said counts afterwards; its time after a call ends with it. */
function changedStatus(row: Agent, { status, reason }: Body): Body {
  const isInCall = row.status === 'ringing' || (row.status === 'busy' && row.tm_wrap_up === null)
  if (isInCall) return { next_status: status, next_reason: reason }
  const tm_idle = status === 'available' && row.status !== 'available' ? now() : row.tm_idle
  const tm_status = status === row.status ? row.tm_status : now()
  return { status, status_reason: reason, tm_status, tm_idle, tm_wrap_up: null, missed: 0 }
}
