import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { Webhook } from 'standardwebhooks'
import type { DataSource } from '../../src/database.ts'
import { KeyRing } from '../../src/database/secrets.ts'
import { Deliveries } from '../../src/events/deliveries.ts'
import { event, insertEvents } from '../../src/events/event.ts'
import { fanOut } from '../../src/events/fan-out.ts'
import { Relay } from '../../src/events/relay.ts'
import { createLogger } from '../../src/log.ts'
import { Web } from '../../src/web.ts'

export const ring = new KeyRing([{ id: 'k1', key: randomBytes(32) }])
const log = createLogger('silent')

/** A relay and deliveries, running until `stop`; receivers may be on this machine. */
export function tellOthers(database: DataSource, timeoutMs = 1_000): { stop(): Promise<unknown> } {
  const deliveries = new Deliveries({ database, log, web: new Web(['127.0.0.1/32']), secrets: ring, timeoutMs })
  const relay = new Relay(database, log, [fanOut], () => deliveries.look())
  relay.start()
  deliveries.start()
  return { stop: () => Promise.all([relay.stop(), deliveries.stop()]) }
}

export function happened(customer_id: string, type: string, resource_id: string, data: object = {}) {
  const about = { customer_id, resource_type: type.split('_')[0]!, resource_id, data: JSON.stringify(data) }
  // (of what happens once, one would be the same as the other)
  return { ...event(about, 'updated'), type }
}

export async function happen(database: DataSource, ...events: ReturnType<typeof happened>[]): Promise<void> {
  await insertEvents(database.manager, events)
}

/** The body, when the signature is right. */
export function verified(secret: string, { headers, body }: { headers: IncomingHttpHeaders; body: string }) {
  return new Webhook(secret).verify(body, headers as Record<string, string>) as {
    id: string
    type: string
    timestamp: string
    sequence: number
    resource_id: string
    data: Record<string, unknown>
  }
}
