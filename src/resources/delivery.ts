import Joi from 'joi'
import { Column, Entity, Index, Unique } from 'typeorm'
import { BelongsTo, Count, Exact, Id, Reference, Time } from '../database/columns.ts'
import { customerId, id, time, times } from './fields.ts'
import type { Resource } from './resource.ts'
import type { Webhook } from './webhook.ts'
import { mustBeEnabled, webhooks } from './webhook.ts'

@Entity({ name: 'webhook_deliveries' })
@Unique('webhook_deliveries_event', ['webhook_id', 'event_id'])
@Index('webhook_deliveries_newest', ['webhook_id', 'tm_create', 'id'])
@Index('webhook_deliveries_due', ['webhook_id', 'tm_next', 'sequence'])
@Index('webhook_deliveries_resource', ['webhook_id', 'resource_id', 'status', 'sequence'])
@Index('webhook_deliveries_old', ['tm_create'])
export class WebhookDelivery {
  @Id() id: string
  @Reference() customer_id: string
  @BelongsTo('webhooks', 'webhook_deliveries_webhook') webhook_id: string
  @Reference() event_id: string
  @Exact(64) event_type: string
  @Exact(64) resource_id: string
  @Column({ type: 'bigint', unsigned: true }) sequence: number
  @Exact(16) status: 'pending' | 'delivered' | 'failed'
  @Count({ default: 0 }) attempts: number
  @Count({ nullable: true }) response_status: number | null
  @Column({ type: 'varchar', length: 1024, default: '' }) response_body: string
  @Column({ type: 'varchar', length: 255, default: '' }) error: string
  @Count({ nullable: true }) duration_ms: number | null
  @Time({ nullable: true }) tm_attempt: string | null
  @Time({ nullable: true }) tm_next: string | null
  @Time({ nullable: true }) tm_claim: string | null
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
}

export const deliveries: Resource<WebhookDelivery> = {
  type: 'delivery',
  plural: 'deliveries',
  about: 'What became of an event on its way to a webhook. Kept as long as events.',
  under: { parent: webhooks, column: 'webhook_id' },
  entity: WebhookDelivery,
  schema: {
    read: Joi.object({
      ...{ id: id().required(), customer_id: customerId, webhook_id: id().required() },
      event_id: id().required().description('The header webhook-id.'),
      event_type: Joi.string().required().example('call_hangup'),
      resource_id: Joi.string().required(),
      sequence: Joi.number().integer().required().description('The number of the event.'),
      status: Joi.valid('pending', 'delivered', 'failed').required(),
      attempts: Joi.number().integer().required(),
      response_status: Joi.number()
        .integer()
        .allow(null)
        .required()
        .description('Of the last attempt; null: no answer.'),
      response_body: Joi.string().allow('').required().description('How the last answer began.'),
      error: Joi.string().allow('').required().description('Why the last attempt was no delivery.'),
      duration_ms: Joi.number().integer().allow(null).required(),
      tm_attempt: time().allow(null).required().description('When it was last tried.'),
      tm_next: time()
        .allow(null)
        .required()
        .description('When it is tried; null while pending: after an earlier event of its resource.'),
      tm_create: times.tm_create,
      tm_update: times.tm_update,
    }),
    filter: Joi.object({ status: Joi.valid('pending', 'delivered', 'failed') }),
  },
  commands: {
    send: {
      method: 'POST',
      summary: 'Send it again, or now; one that waits for an earlier event of its resource goes on waiting',
      async run(row, _body, site) {
        const [webhook] = await site.database.query<Pick<Webhook, 'status'>[]>(
          'SELECT status FROM webhooks WHERE id = ?',
          [row.webhook_id],
        )
        mustBeEnabled(webhook ?? { status: 'disabled' })
        // A new series of attempts. One that is under way stays what it is: it has the number that its result is stored by.
        await site.database.query(
          `UPDATE webhook_deliveries SET attempts = IF(tm_claim IS NULL AND (status != 'pending' OR tm_next IS NOT NULL), ` +
            `0, attempts), tm_next = IF(status = 'pending' AND tm_next IS NULL, NULL, UTC_TIMESTAMP(6)), ` +
            `status = 'pending', tm_update = UTC_TIMESTAMP(6) WHERE id = ?`,
          [row.id],
        )
      },
    },
  },
}
