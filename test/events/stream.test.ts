import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import WebSocket from 'ws'
import type { DataSource } from '../../src/database.ts'
import { Relay } from '../../src/events/relay.ts'
import { Stream } from '../../src/events/stream.ts'
import { createLogger } from '../../src/log.ts'
import { workingKeys } from '../../src/resources/accesskey.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { openApi, openFresh, type Api, type FreshDatabase } from '../api/support.ts'
import { Wire } from '../kamailio/wire.ts'
import { happen, happened } from './support.ts'

let api: Api
let fresh: FreshDatabase
let relay: Relay
let url: string
let database: DataSource

test.before(async () => {
  const opened = await openFresh()
  fresh = opened.fresh
  database = opened.database
  const log = createLogger('silent')
  const goodTokens = (hashes: readonly string[]) => workingKeys(database, hashes)
  const stream = new Stream({ database, log, perCustomer: 4, goodTokens })
  api = await openApi(fresh.url, { stream })
  await api.server.start()
  url = `ws://127.0.0.1:${(api.server.listener.address() as AddressInfo).port}/v1.0/ws`
  relay = new Relay(database, log, [], () => stream.look())
  relay.start()
})

test.after.always(async () => {
  await relay?.stop()
  await api?.server.stop()
  await api?.database.destroy()
  await database?.destroy()
  await fresh?.drop()
})

class Client {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the tests look into whatever comes
  readonly got: any[] = []
  closedWith = 0

  constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => this.got.push(JSON.parse(data.toString())))
    socket.on('close', (code) => (this.closedWith = code))
  }

  static async open(key: string, at = url): Promise<Client> {
    const client = new Client(new WebSocket(at, { headers: key ? { authorization: `Bearer ${key}` } : {} }))
    await once(client.socket, 'open')
    return client
  }

  async ask(message: unknown): Promise<unknown> {
    const count = this.answers.length
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    await becomesTrue(5_000, () => this.answers.length > count)
    return this.answers.at(-1)
  }

  get answers() {
    return this.got.filter(({ type }) => ['subscribed', 'unsubscribed', 'error'].includes(type))
  }

  get sequences(): number[] {
    return this.got.filter(({ resource_id }) => resource_id).map(({ sequence }) => sequence)
  }
}

/** `base`: the number of the last event of its making. */
async function newCustomer(): Promise<{ id: string; key: string; base: number }> {
  const made = await api.customer()
  const last = async () => (await api.get(made.key, '/v1.0/ws')).body.last as number
  if (!(await becomesTrue(5_000, async () => (await last()) === 2))) throw new Error('not numbered')
  return { ...made, base: 2 }
}

interface Refusal {
  status: number
  headers: IncomingHttpHeaders
  body: { error: { reason: string; request_id: string } }
}

async function agentToken(): Promise<string> {
  const { id: customer_id, key } = await api.customer()
  const credentials = { username: 'jane', password: 'a long password' }
  await api.post(key, '/v1.0/agents', credentials)
  return (await api.post('', '/v1.0/auth/login', { customer_id, ...credentials })).body.token
}

async function refusal(at: string): Promise<Refusal> {
  const socket = new WebSocket(at)
  const [request, response] = await once(socket, 'unexpected-response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  request.destroy()
  const { statusCode: status, headers } = response as IncomingMessage
  return { status: status!, headers, body: JSON.parse(Buffer.concat(chunks).toString()) }
}

test('a client gets the events of its topics, and no one else’s', async (t) => {
  const [mine, other] = [await newCustomer(), await newCustomer()]
  const client = await Client.open(mine.key)
  t.deepEqual(await client.ask({ type: 'subscribe', topics: ['queue'] }), {
    ...{ type: 'subscribed', topics: ['queue'], sequence: mine.base },
  })
  const one = happened(mine.id, 'queue_created', 'q', { name: 'sales' })
  await happen(api.database, happened(other.id, 'queue_created', 'x'), happened(mine.id, 'queuecall_created', 'c'), one)
  t.true(await becomesTrue(5_000, () => client.sequences.length === 1))
  t.deepEqual(client.got.at(-1), { ...one, data: { name: 'sales' }, sequence: mine.base + 2 })
  t.like(await client.ask({ type: 'unsubscribe', topics: ['queue'] }), { type: 'unsubscribed', topics: [] })
  client.socket.close()
})

test('after resumes without a gap, and each event comes exactly once', async (t) => {
  const { id, key, base } = await newCustomer()
  const seen: number[] = []
  const writing = (async () => {
    for (let count = 0; count < 100; count++) await happen(api.database, happened(id, 'call_updated', `r${count % 7}`))
  })()
  while (seen.length < 100) {
    const client = await Client.open(key)
    await client.ask({ type: 'subscribe', topics: ['call'], after: seen.at(-1) ?? base })
    const isEnough = () => client.sequences.length >= Math.min(23, 100 - seen.length)
    if (!(await becomesTrue(10_000, isEnough))) break
    client.socket.terminate()
    seen.push(...client.sequences)
  }
  await writing
  t.deepEqual(
    seen,
    Array.from({ length: 100 }, (_, index) => base + index + 1),
  )
})

test('what cannot be understood is answered with what is wrong', async (t) => {
  const { key } = await api.customer()
  const client = await Client.open(key)
  const error = async (message: unknown) => ((await client.ask(message)) as { reason: string }).reason
  t.is(await error('{'), 'INVALID_JSON_BODY')
  t.is(await error('null'), 'INVALID_ARGUMENT')
  t.is(await error({ type: 'subscribe', topics: ['A b'] }), 'INVALID_ARGUMENT')
  t.is(await error({ type: 'subscribe', topics: ['call'], after: 7 }), 'INVALID_ARGUMENT')
  t.is(await error({ type: 'subscribe', topics: ['call'], after: -1 }), 'INVALID_ARGUMENT')
  t.is(client.socket.readyState, WebSocket.OPEN)
  client.socket.send('x'.repeat(20_000))
  t.true(await becomesTrue(5_000, () => client.closedWith === 1009))
})

test('events that are kept no more are not passed over in silence', async (t) => {
  const { id, key, base } = await newCustomer()
  await happen(api.database, happened(id, 'call_a', 'a'), happened(id, 'call_b', 'a'), happened(id, 'call_c', 'a'))
  const numbered = 'SELECT 1 FROM events WHERE customer_id = ? AND sequence = ?'
  t.true(await becomesTrue(5_000, async () => (await api.database.query(numbered, [id, base + 3])).length === 1))
  await api.database.query('DELETE FROM events WHERE customer_id = ? AND sequence <= ?', [id, base + 2])
  const client = await Client.open(key)
  t.like(await client.ask({ type: 'subscribe', topics: ['call'], after: base + 1 }), { reason: 'EVENTS_GONE' })
  t.like(await client.ask({ type: 'subscribe', topics: ['call'], after: base + 2 }), { type: 'subscribed' })
  t.true(await becomesTrue(5_000, () => client.sequences.length === 1))
  client.socket.close()
})

test('who may not come in is told why, as by REST, and the token is not logged', async (t) => {
  t.like(await refusal(url), { status: 401, body: { error: { reason: 'AUTHENTICATION_REQUIRED' } } })
  t.like(await refusal(`${url}?token=hd_no`), { status: 401, body: { error: { reason: 'INVALID_CREDENTIALS' } } })
  t.like(await refusal(`${url}x`), { status: 404, body: { error: { reason: 'ROUTE_NOT_FOUND' } } })
  t.like(await refusal(`${url}?token=${await agentToken()}`), { status: 403 })
  const { key } = await newCustomer()
  const clients = await Promise.all([1, 2, 3, 4].map(() => Client.open('', `${url}?token=${key}`)))
  for (const { socket } of clients) socket.close()
  t.false(api.logged.join('').includes(key))
  const { status, body } = await api.get(key, '/v1.0/ws')
  t.deepEqual([status, body], [200, { first: 1, last: 2 }])
})

test('a refusal says in its headers what REST says there', async (t) => {
  const { headers, body } = await refusal(url)
  t.is(headers['www-authenticate'], 'Bearer realm="hashdial"')
  t.is(headers['x-request-id'], body.error.request_id)
  const { key } = await api.customer()
  const clients = await Promise.all([1, 2, 3, 4].map(() => Client.open(key)))
  t.like(await refusal(`${url}?token=${key}`), { status: 429, headers: { 'retry-after': '1' } })
  for (const { socket } of clients) socket.close()
})

test('while the database is away, a WebSocket is refused as a request is', async (t) => {
  const { key } = await api.customer()
  const wire = await Wire.open(Number(new URL(fresh.url).port))
  const stream = new Stream({
    database,
    log: createLogger('silent'),
    perCustomer: 4,
    goodTokens: async () => new Set(),
  })
  const cutOff = await openApi(Object.assign(new URL(fresh.url), { port: String(wire.port) }).href, { stream })
  t.teardown(async () => {
    await cutOff.server.stop()
    wire.close()
    await cutOff.database.destroy().catch(() => undefined)
  })
  await cutOff.server.start()
  const { port } = cutOff.server.listener.address() as AddressInfo
  wire.cut()
  const { status, headers, body } = await refusal(`ws://127.0.0.1:${port}/v1.0/ws?token=${key}`)
  t.deepEqual([status, headers['retry-after'], body.error.reason], [503, '2', 'DATABASE_UNAVAILABLE'])
  t.is(headers['x-request-id'], body.error.request_id)
  t.false(cutOff.logged.join('').includes(key))
})

test('a customer has so many connections and no more', async (t) => {
  const { key } = await api.customer()
  const clients = await Promise.all([1, 2, 3, 4].map(() => Client.open(key)))
  t.like(await refusal(`${url}?token=${key}`), { status: 429, body: { error: { reason: 'TOO_MANY_STREAMS' } } })
  for (const { socket } of clients) socket.close()
})

test('a connection ends when its access key is deleted', async (t) => {
  const { key } = await api.customer()
  const { body: second } = await api.post(key, '/v1.0/accesskeys', {})
  const client = await Client.open(second.token)
  await api.delete(key, `/v1.0/accesskeys/${second.id}`)
  t.true(await becomesTrue(10_000, () => client.closedWith === 4401))
})

test('for a client that does not read nothing is kept, and later it gets everything', async (t) => {
  const { id, key, base } = await newCustomer()
  const client = await Client.open(key)
  await client.ask({ type: 'subscribe', topics: ['call'] })
  client.socket.pause()
  const large = { text: 'x'.repeat(100_000) }
  for (let count = 0; count < 300; count++) await happen(api.database, happened(id, 'call_updated', 'r', large))
  const numbered = 'SELECT COUNT(sequence) AS n FROM events WHERE customer_id = ?'
  t.true(await becomesTrue(10_000, async () => (await api.database.query(numbered, [id]))[0].n === base + 300))
  t.true(client.sequences.length < 300)
  client.socket.resume()
  t.true(await becomesTrue(30_000, () => client.sequences.length === 300))
  t.deepEqual(
    client.sequences,
    Array.from({ length: 300 }, (_, index) => base + index + 1),
  )
  client.socket.close()
})
