import { randomUUID } from 'node:crypto'
import { now, toSqlTime, type EntityManager } from '../database.ts'
import type { NumberedEvent } from './relay.ts'
import { matches } from './topics.ts'

interface Subscriber {
  id: string
  customer_id: string
  event_types: string
}

/** What the button `test` makes happen. It goes to its webhook alone, whatever that wants to be told. */
export const testType = 'webhook_test'

interface Delivery {
  webhook: Subscriber
  event: NumberedEvent
  /** An earlier one of the same resource has to be done before. */
  waits: boolean
}

/** Makes a delivery of each event for each webhook that wants it, in the transaction that numbers the events. */
export async function fanOut(manager: EntityManager, events: readonly NumberedEvent[]): Promise<void> {
  const customers = [...new Set(events.map(({ customer_id }) => customer_id))]
  if (customers.length === 0) return
  // Locked, so that no delivery ends between the look for those that are pending and the insert: nobody would wake the new one.
  const webhooks = await manager.query<Subscriber[]>(
    `SELECT id, customer_id, event_types FROM webhooks WHERE customer_id IN (${places(customers)}) ` +
      `AND status = 'enabled' ORDER BY id FOR UPDATE`,
    customers,
  )
  const wanted = webhooks.flatMap((webhook) => {
    const types = JSON.parse(webhook.event_types) as string[]
    return events.filter((event) => wants(webhook, types, event)).map((event) => ({ webhook, event }))
  })
  if (wanted.length === 0) return
  const busy = await busyResources(manager, wanted)
  const deliveries = wanted.map(({ webhook, event }): Delivery => {
    const lane = laneOf(webhook.id, event.resource_id)
    const waits = busy.has(lane)
    busy.add(lane)
    return { webhook, event, waits }
  })
  await insert(manager, deliveries)
}

function wants(webhook: Subscriber, types: readonly string[], event: NumberedEvent): boolean {
  if (event.customer_id !== webhook.customer_id) return false
  if (event.type === testType) return event.resource_id === webhook.id
  return types.length === 0 || matches(types, event.type)
}

/** Order is kept per webhook and resource. */
const laneOf = (webhook: string, resource: string): string => `${webhook} ${resource}`

type Wanted = Omit<Delivery, 'waits'>

async function busyResources(manager: EntityManager, wanted: readonly Wanted[]): Promise<Set<string>> {
  const webhooks = [...new Set(wanted.map(({ webhook }) => webhook.id))]
  const resources = [...new Set(wanted.map(({ event }) => event.resource_id))]
  const rows = await manager.query<{ webhook_id: string; resource_id: string }[]>(
    'SELECT DISTINCT webhook_id, resource_id FROM webhook_deliveries ' +
      `WHERE webhook_id IN (${places(webhooks)}) AND resource_id IN (${places(resources)}) AND status = 'pending'`,
    [...webhooks, ...resources],
  )
  return new Set(rows.map(({ webhook_id, resource_id }) => laneOf(webhook_id, resource_id)))
}

/** So many rows are inserted by one statement. */
const batchRows = 1_000

async function insert(manager: EntityManager, deliveries: readonly Delivery[]): Promise<void> {
  for (let from = 0; from < deliveries.length; from += batchRows) {
    const batch = deliveries.slice(from, from + batchRows)
    await manager.query(
      'INSERT INTO webhook_deliveries (id, customer_id, webhook_id, event_id, event_type, resource_id, sequence, ' +
        'status, tm_next, tm_create) VALUES ' +
        batch.map(({ waits }) => `(?,?,?,?,?,?,?,'pending',${waits ? 'NULL' : 'UTC_TIMESTAMP(6)'},?)`).join(),
      batch.flatMap(({ webhook, event }) => [
        ...[randomUUID(), webhook.customer_id, webhook.id, event.id, event.type, event.resource_id, event.sequence],
        toSqlTime(now()),
      ]),
    )
  }
}

function places(values: readonly unknown[]): string {
  return values.map(() => '?').join()
}
