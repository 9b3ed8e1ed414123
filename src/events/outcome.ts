import { now, toSqlTime, transaction, type DataSource, type EntityManager } from '../database.ts'
import { event, insertEvents } from './event.ts'

/** A delivery that is being tried. */
export interface Claimed {
  id: string
  webhook_id: string
  resource_id: string
  /** The number of this attempt, from 1. */
  attempts: number
}

/** What became of an attempt. */
export interface Outcome {
  /** Undefined: there was no answer. */
  status?: number
  body: string
  error: string
  durationMs: number
  /** How long the receiver wants to be left alone. */
  retryAfterSeconds?: number
}

const [second, minute, hour] = [1, 60, 3_600]
/** How long after each failed attempt the next one is made; there is none after the last. */
const retrySeconds = [
  ...[5 * second, 5 * minute, 30 * minute],
  ...[2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour],
]
/** By so much a wait is longer at random, so that what failed together does not come back together. */
const jitter = 0.1
const maxRetryAfterSeconds = 24 * hour
/** A webhook to which nothing could be delivered for so long is disabled. */
const failingDays = 5
const gone = 410

export function isDelivered({ status = 0 }: Outcome): boolean {
  return status >= 200 && status <= 299
}

/** Undefined: it is not tried again. */
export function retryAfter(
  attempts: number,
  { retryAfterSeconds = 0 }: Outcome,
  random = Math.random(),
): number | undefined {
  const wait = retrySeconds[attempts - 1]
  if (wait === undefined) return undefined
  return Math.max(wait * (1 + jitter * random), Math.min(retryAfterSeconds, maxRetryAfterSeconds))
}

/** Stores what became of an attempt, and lets the next event of the same resource go. */
export async function settle(database: DataSource, claimed: Claimed, outcome: Outcome): Promise<void> {
  await transaction(database, async (manager) => {
    // The row of the webhook first: see fanOut.
    const [webhook] = await manager.query<{ failing: 0 | 1 | null }[]>(
      `SELECT tm_failing < UTC_TIMESTAMP(6) - INTERVAL ${failingDays} DAY AS failing FROM webhooks WHERE id = ? FOR UPDATE`,
      [claimed.webhook_id],
    )
    if (!webhook || !(await store(manager, claimed, outcome))) return
    const isFailing = webhook.failing !== null
    if (isDelivered(outcome)) {
      if (isFailing) await setFailing(manager, claimed.webhook_id, 'NULL')
    } else if (outcome.status === gone) await disable(manager, claimed.webhook_id, 'gone')
    else if (Number(webhook.failing) === 1) await disable(manager, claimed.webhook_id, 'failing')
    else if (!isFailing) await setFailing(manager, claimed.webhook_id, 'UTC_TIMESTAMP(6)')
  })
}

/** False: the attempt took so long that somebody else has made another one. */
async function store(manager: EntityManager, claimed: Claimed, outcome: Outcome): Promise<boolean> {
  const wait = isDelivered(outcome) ? undefined : retryAfter(claimed.attempts, outcome)
  const status = isDelivered(outcome) ? 'delivered' : wait === undefined ? 'failed' : 'pending'
  const { affectedRows } = await manager.query<{ affectedRows: number }>(
    'UPDATE webhook_deliveries SET status = ?, response_status = ?, response_body = ?, error = ?, duration_ms = ?, ' +
      'tm_next = UTC_TIMESTAMP(6) + INTERVAL ? SECOND, tm_claim = NULL, tm_update = UTC_TIMESTAMP(6) ' +
      `WHERE id = ? AND status = 'pending' AND attempts = ?`,
    [
      ...[status, outcome.status ?? null, outcome.body, outcome.error, Math.round(outcome.durationMs), wait ?? null],
      ...[claimed.id, claimed.attempts],
    ],
  )
  if (affectedRows === 1 && status !== 'pending') await release(manager, claimed)
  return affectedRows === 1
}

/** The first that still waits of the resource has its turn, unless it has it already. */
async function release(manager: EntityManager, { webhook_id, resource_id }: Claimed): Promise<void> {
  const [next] = await manager.query<{ id: string }[]>(
    `SELECT id FROM webhook_deliveries WHERE webhook_id = ? AND resource_id = ? AND status = 'pending' ` +
      'ORDER BY sequence LIMIT 1',
    [webhook_id, resource_id],
  )
  if (!next) return
  await manager.query('UPDATE webhook_deliveries SET tm_next = UTC_TIMESTAMP(6) WHERE id = ? AND tm_next IS NULL', [
    next.id,
  ])
}

async function setFailing(manager: EntityManager, webhook: string, since: 'NULL' | 'UTC_TIMESTAMP(6)'): Promise<void> {
  await manager.query(`UPDATE webhooks SET tm_failing = ${since} WHERE id = ?`, [webhook])
}

/** Nothing more is delivered to a webhook that is not enabled, until somebody asks for it. */
export async function failPending(manager: Pick<EntityManager, 'query'>, webhook: string): Promise<void> {
  await manager.query(
    `UPDATE webhook_deliveries SET status = 'failed', error = 'the webhook is disabled', tm_next = NULL, ` +
      `tm_claim = NULL, tm_update = UTC_TIMESTAMP(6) WHERE webhook_id = ? AND status = 'pending'`,
    [webhook],
  )
}

interface Shown {
  customer_id: string
  name: string
  uri: string
  event_types: string
}

async function disable(manager: EntityManager, id: string, reason: 'gone' | 'failing'): Promise<void> {
  const tm_update = now()
  const { affectedRows } = await manager.query<{ affectedRows: number }>(
    `UPDATE webhooks SET status = 'disabled', disabled_reason = ?, tm_update = ? WHERE id = ? AND status = 'enabled'`,
    [reason, toSqlTime(tm_update), id],
  )
  await failPending(manager, id)
  if (affectedRows === 0) return
  const [row] = await manager.query<Shown[]>('SELECT customer_id, name, uri, event_types FROM webhooks WHERE id = ?', [
    id,
  ])
  if (!row) return
  const { customer_id, name, uri } = row
  const event_types = JSON.parse(row.event_types) as string[]
  const data = { id, customer_id, name, uri, event_types, status: 'disabled', disabled_reason: reason, tm_update }
  await insertEvents(manager, [
    event({ customer_id, resource_type: 'webhook', resource_id: id, data: JSON.stringify(data) }, 'disabled'),
  ])
}
