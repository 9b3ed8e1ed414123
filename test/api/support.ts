import { createHash, randomBytes } from 'node:crypto'
import { Writable } from 'node:stream'
import type { Server } from '@hapi/hapi'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { TestFn } from 'ava'
import { createConnection } from 'mysql2/promise'
import { createServer, type ServerOptions } from '../../src/api/server.ts'
import { migrate, openDatabase, type DataSource } from '../../src/database.ts'
import { createLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { entities } from '../../src/resources/index.ts'
import { mysqlUrl } from './servers.ts'

export const adminKey = 'the-admin-key-of-these-tests'

export interface FreshDatabase {
  url: string
  drop(): Promise<void>
}

/** An empty database of its own, so that test files can run at the same time. */
export async function freshDatabase(at?: string): Promise<FreshDatabase> {
  const server = at ?? (await mysqlUrl())
  const name = `test_${randomBytes(6).toString('hex')}`
  const run = async (sql: string): Promise<void> => {
    const connection = await createConnection(server)
    await connection.query(sql)
    await connection.end()
  }
  await run(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => run(`DROP DATABASE ${name}`) }
}

/** The same with the tables in it, and open. */
export async function openFresh(): Promise<{ fresh: FreshDatabase; database: DataSource }> {
  const fresh = await freshDatabase()
  await migrate(fresh.url)
  return { fresh, database: await openDatabase(fresh.url, { entities }) }
}

export interface Answer {
  status: number
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the tests look into whatever comes back
  body: any
  text: string
  headers: Record<string, string | undefined>
}

export interface Ask {
  body?: unknown
  /** As it is, instead of JSON. */
  raw?: string | Buffer
  headers?: Record<string, string>
  from?: string
}

export class Api {
  readonly #schemas = new Map<string, ValidateFunction>()
  readonly #ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }))

  constructor(
    readonly server: Server,
    readonly database: DataSource,
    readonly logged: string[],
    readonly metrics: ServerOptions['metrics'],
  ) {}

  /** One request; its answer must be what OpenAPI says. `key` empty: without credentials. */
  async ask(key: string, method: string, url: string, { body, raw, headers, from }: Ask = {}): Promise<Answer> {
    const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const response = await this.server.inject({
      ...{ method, url, remoteAddress: from ?? '192.0.2.1' },
      headers: { ...(key && { authorization: `Bearer ${key}` }), ...headers },
      ...(payload !== undefined && { payload }),
    })
    const { statusCode: status, payload: text } = response
    const isJson = String(response.headers['content-type']).startsWith('application/json')
    const answer = { status, text, body: isJson ? JSON.parse(text) : undefined, headers: response.headers } as Answer
    if (isJson && !url.startsWith('/openapi.json')) await this.#check(method, response.request.route.path, answer)
    return answer
  }

  get(key: string, url: string): Promise<Answer> {
    return this.ask(key, 'GET', url)
  }

  post(key: string, url: string, body?: unknown): Promise<Answer> {
    return this.ask(key, 'POST', url, { body })
  }

  put(key: string, url: string, body?: unknown): Promise<Answer> {
    return this.ask(key, 'PUT', url, { body })
  }

  delete(key: string, url: string): Promise<Answer> {
    return this.ask(key, 'DELETE', url)
  }

  /** A new customer's access key. */
  async customer(name = 'a customer'): Promise<{ id: string; key: string }> {
    const { body: customer } = await this.post(adminKey, '/v1.0/customers', { name })
    const { body: accesskey } = await this.post(adminKey, '/v1.0/accesskeys', { customer_id: customer.id })
    return { id: customer.id, key: accesskey.token }
  }

  async #check(method: string, path: string, { status, body }: Answer): Promise<void> {
    const validate = await this.#schema(method.toLowerCase(), path, status)
    if (validate(body)) return
    throw new Error(`${method} ${path} ${status} is not what OpenAPI says: ${this.#ajv.errorsText(validate.errors)}`)
  }

  async #schema(method: string, path: string, status: number): Promise<ValidateFunction> {
    const key = `${method} ${path} ${status}`
    const known = this.#schemas.get(key)
    if (known) return known
    const { payload } = await this.server.inject('/openapi.json')
    const api = JSON.parse(payload)
    const responses = api.paths[path]?.[method]?.responses
    const name = responses?.[status]?.$ref ?? (responses ? '' : '#/components/schemas/error')
    const good = responses?.[status]?.content ?? api.components.responses[name.split('/').at(-1)]?.content
    if (!good && responses) throw new Error(`OpenAPI does not say that ${method} ${path} can answer ${status}`)
    const { schema } = good?.['application/json'] ?? { schema: { $ref: name } }
    const validate = this.#ajv.compile({ ...schema, components: api.components })
    this.#schemas.set(key, validate)
    return validate
  }
}

/** The whole API on a database of its own, from before the first test of a file until after its last. */
export function useApi(test: TestFn, more: Partial<ServerOptions> = {}): () => Api {
  let api: Api
  let fresh: FreshDatabase
  test.before(async () => {
    fresh = await freshDatabase()
    await migrate(fresh.url)
    api = await openApi(fresh.url, more)
  })
  test.after.always(async () => {
    await api?.server.stop()
    await api?.database.destroy()
    await fresh?.drop()
  })
  return () => api
}

export async function openApi(url: string, more: Partial<ServerOptions> = {}): Promise<Api> {
  const database = await openDatabase(url, { entities })
  const logged: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged.push(String(chunk))
      done()
    },
  })
  const logger = createLogger('trace', stream)
  const metrics = createMetrics()
  const server = await createServer({
    config: {
      ...{ apiListen: { host: '127.0.0.1', port: 0 }, baseDomain: 'hashdial.test', hashBytes: 6, bodyBytes: 65_536 },
      ...{ authFailures: 5, adminKeySha256: createHash('sha256').update(adminKey).digest('hex') },
    },
    ...{ database, logger, metrics, health: { ari: () => 'ok' as const } },
    ...more,
  }).catch(async (error: unknown) => {
    await database.destroy()
    throw error
  })
  return new Api(server, database, logged, metrics)
}
