import type { KeyRing } from '../database/secrets.ts'
import type { DataSource } from '../database.ts'
import type { Logger } from '../log.ts'
import type { Web } from '../web.ts'
import { Deliveries } from './deliveries.ts'
import { fanOut } from './fan-out.ts'
import { Relay } from './relay.ts'

interface Parts {
  database: DataSource
  log: Logger
  web: Web
  secrets: KeyRing
}

interface Source {
  start(): void
  stop(): Promise<void>
}

/**
 * All that tells others what has happened: `sources` of events from outside, the relay, and what follows from it. `numbered`
 * is called when events can be seen.
 */
export async function openTelling(parts: Parts, numbered: () => void = () => {}, sources: readonly Source[] = []) {
  await checkSecrets(parts.database, parts.secrets)
  const deliveries = new Deliveries(parts)
  const relay = new Relay(parts.database, parts.log, [fanOut], () => {
    deliveries.look()
    numbered()
  })
  return {
    start() {
      for (const one of [...sources, relay, deliveries]) one.start()
    },
    stop: () => Promise.all([...sources, relay, deliveries].map((one) => one.stop())),
  }
}

/** One secret of each key: a key that is missing, or another one of the same name, is found at the start and not at an event. */
export async function checkSecrets(database: DataSource, secrets: KeyRing): Promise<void> {
  const rows = await database.query<{ id: string; sealed_secret: string }[]>(
    'SELECT id, sealed_secret FROM webhooks WHERE id IN ' +
      `(SELECT MIN(id) FROM webhooks GROUP BY SUBSTRING_INDEX(sealed_secret, ':', 1))`,
  )
  for (const { id, sealed_secret } of rows) secrets.open(sealed_secret, id)
}
