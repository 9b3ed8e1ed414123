import type { KeyRing } from '../database/secrets.ts'
import { fromSqlTime, type DataSource } from '../database.ts'
import { textOf, WebError, type ArrivingAnswer, type Web } from '../web.ts'
import type { Outcome } from './outcome.ts'
import { signedHeaders } from './sign.ts'

/** What an attempt needs of the webhook. */
export interface Target {
  id: string
  uri: string
  sealed_secret: string
  /** Null where there is none, or its time is over. */
  sealed_old_secret: string | null
}

/** The event in the words of Standard Webhooks (`type`, `timestamp`, `data`) and in those of our API. */
export interface Payload {
  id: string
  body: string
}

/** Where a webhook leads now, and what it is to be told. What is gone is not in the answer. */
export async function readTarget(database: DataSource, webhook: string): Promise<Target | undefined> {
  const [target] = await database.query<Target[]>(
    'SELECT id, uri, sealed_secret, IF(tm_old_secret_expire > UTC_TIMESTAMP(6), sealed_old_secret, NULL) ' +
      `AS sealed_old_secret FROM webhooks WHERE id = ? AND status = 'enabled'`,
    [webhook],
  )
  return target
}

interface EventColumns {
  id: string
  type: string
  sequence: number
  tm_create: string
  customer_id: string
  resource_type: string
  resource_id: string
  data: string
}

export async function readPayloads(database: DataSource, ids: readonly string[]): Promise<Map<string, Payload>> {
  const rows = await database.query<EventColumns[]>(
    'SELECT id, type, sequence, tm_create, customer_id, resource_type, resource_id, data FROM events ' +
      `WHERE id IN (${ids.map(() => '?').join()})`,
    [...ids],
  )
  return new Map(rows.map((row) => [row.id, { id: row.id, body: bodyOf(row) }]))
}

function bodyOf({ data, type, tm_create: created, ...row }: EventColumns): string {
  const tm_create = fromSqlTime(created)
  const body = { type, timestamp: tm_create, ...row, tm_create, data: JSON.parse(data) as unknown }
  return JSON.stringify(body)
}

/** Of an answer so much is kept, in characters and bytes. */
const keptCharacters = 1_000
const keptBytes = 4_000

export interface Sender {
  web: Web
  secrets: KeyRing
  timeoutMs: number
}

export async function attempt(sender: Sender, target: Target, payload: Payload): Promise<Outcome> {
  const since = performance.now()
  const outcome = await send(sender, target, payload).catch((error: unknown) => ({
    body: '',
    error: error instanceof WebError ? error.message : `it could not be sent: ${(error as Error).message}`,
  }))
  return { ...outcome, error: outcome.error.slice(0, 255), durationMs: performance.now() - since }
}

async function send({ web, secrets, timeoutMs }: Sender, target: Target, payload: Payload) {
  const sealed = [target.sealed_secret, ...(target.sealed_old_secret === null ? [] : [target.sealed_old_secret])]
  const keys = sealed.map((one) => secrets.open(one, target.id))
  const headers = { ...signedHeaders({ ...payload, at: new Date() }, keys), 'accept-encoding': 'identity' }
  const request = { method: 'POST', headers, body: payload.body, staysThere: true, timeout: timeoutMs }
  return web.receive(target.uri, request, async (answer): Promise<Omit<Outcome, 'durationMs'>> => {
    const { status, headers: answered } = answer
    const isGood = status >= 200 && status <= 299
    const body = await beginningOf(answer)
    const retryAfterSeconds = secondsOf(answered['retry-after'])
    const error = isGood ? '' : `it answered ${status}`
    return { status, body, error, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) }
  })
}

/** The status is what counts: a body that breaks off is kept as far as it came. */
async function beginningOf({ headers, body }: ArrivingAnswer): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= keptBytes) break
    }
    const text = textOf({ headers, body: Buffer.concat(chunks).subarray(0, keptBytes) })
    return text.slice(0, keptCharacters).replaceAll(/\p{Surrogate}/gu, '\ufffd')
  } catch {
    return ''
  }
}

/** Retry-After: seconds, or a date (RFC 9110, 10.2.3). */
function secondsOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const seconds = /^\d{1,9}$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1_000
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined
}
