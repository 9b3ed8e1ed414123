import Joi from 'joi'
import { Column, Entity, Index } from 'typeorm'
import { BelongsTo, Exact, Id, Text, Time } from '../database/columns.ts'
import { toSqlTime } from '../database.ts'
import { HashdialError } from '../errors.ts'
import { event, insertEvents } from '../events/event.ts'
import { failPending } from '../events/outcome.ts'
import { newSecret } from '../events/sign.ts'
import { maxTopicLength, topicPattern } from '../events/topics.ts'
import { common, detail, name, times } from './fields.ts'
import type { Body, Resource, Site } from './resource.ts'
import { keysOf } from './secret.ts'

@Entity({ name: 'webhooks' })
@Index('webhooks_newest', ['customer_id', 'tm_create', 'id'])
@Index('webhooks_status', ['status'])
export class Webhook {
  @Id() id: string
  @BelongsTo('customers', 'webhooks_customer') customer_id: string
  @Text(255) name: string
  @Text(1024) detail: string
  @Text(2048) uri: string
  @Column({ type: 'text', transformer: { to: (value) => JSON.stringify(value), from: JSON.parse } })
  event_types: string[]
  @Exact(16) status: 'enabled' | 'disabled'
  @Exact(16, { default: '' }) disabled_reason: '' | 'gone' | 'failing'
  @Exact(255) sealed_secret: string
  @Exact(255, { nullable: true }) sealed_old_secret: string | null
  @Time({ nullable: true }) tm_old_secret_expire: string | null
  @Time({ nullable: true }) tm_failing: string | null
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
  /** Only when it was just made. */
  secret?: string
}

/** A secret that was replaced goes on signing, beside the new one, until every receiver knows that. */
const oldSecretHours = 24

const uri = Joi.string()
  .uri({ scheme: ['http', 'https'] })
  .max(2048)
  .description(
    'Where events are sent to by POST. It has to be on the public internet, unless the operator allows more.',
  )
  .example('https://crm.example.com/hooks/hashdial')

const eventTypes = Joi.array()
  .items(Joi.string().pattern(topicPattern).max(maxTopicLength))
  .max(100)
  .description('Types of events (call_hangup), or resources (call: all of its events). Empty: all.')
  .example(['call', 'recording_finished'])

const status = Joi.valid('enabled', 'disabled').description('Only an enabled one is told.')

export const webhooks: Resource<Webhook> = {
  type: 'webhook',
  plural: 'webhooks',
  about:
    'Where a customer is told what happens: Standard Webhooks (https://www.standardwebhooks.com), at least once, and in ' +
    'order for each resource. Any 2xx is a delivery; redirects are not followed.',
  entity: Webhook,
  deletable: true,
  once: ['secret'],
  schema: {
    read: Joi.object({
      ...common,
      uri: uri.required(),
      event_types: eventTypes.required(),
      status: status.required(),
      disabled_reason: Joi.valid('', 'gone', 'failing')
        .required()
        .description('gone: the receiver answered 410; failing: nothing could be delivered for 5 days.'),
      secret: Joi.string()
        .description('What signs: only the answers to create and rotate have it.')
        .example('whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'),
      ...times,
    }),
    create: Joi.object({
      ...{ name: name.default(''), detail: detail.default(''), uri: uri.required() },
      ...{ event_types: eventTypes.default([]), status: status.default('enabled') },
    }),
    update: Joi.object({ name, detail, uri, event_types: eventTypes, status }),
  },
  make({ id }, site) {
    const secret = newSecret()
    return { secret, sealed_secret: keysOf(site).seal(secret, String(id)) }
  },
  async updated({ row, body, manager }) {
    if (body.status === 'disabled') await failPending(manager, row.id)
    if (body.status !== 'enabled') return
    await manager.query(`UPDATE webhooks SET tm_failing = NULL, disabled_reason = '' WHERE id = ?`, [row.id])
  },
  commands: {
    test: {
      method: 'POST',
      summary: 'Send it an event webhook_test; its deliveries show what became of it',
      async run(row, _body, site) {
        mustBeEnabled(row)
        const { id, customer_id, uri: to } = row
        const data = JSON.stringify({ id, customer_id, uri: to })
        const happened = event({ customer_id, resource_type: 'webhook', resource_id: id, data }, 'test')
        await insertEvents(site.database.manager, [happened])
      },
    },
    rotate: {
      method: 'POST',
      summary: 'Give it a new secret; the old one signs too for 24 hours, and then no more',
      run: rotate,
    },
  },
}

export function mustBeEnabled({ status: now }: Pick<Webhook, 'status'>): void {
  if (now === 'enabled') return
  const how = 'the webhook is disabled: enable it first (PUT with "status": "enabled")'
  throw new HashdialError('FAILED_PRECONDITION', 'WEBHOOK_DISABLED', how)
}

async function rotate({ id }: Webhook, _body: Body, site: Site): Promise<Body> {
  const secret = newSecret()
  const until = toSqlTime(new Date(Date.now() + oldSecretHours * 3_600_000))
  await site.database.query(
    'UPDATE webhooks SET sealed_old_secret = sealed_secret, sealed_secret = ?, tm_old_secret_expire = ? WHERE id = ?',
    [keysOf(site).seal(secret, id), until, id],
  )
  return { secret }
}
