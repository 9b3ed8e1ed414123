import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise'
import { answersOptions } from '../../src/stack/kamailio.ts'
import { kamailioDatabaseUrl } from '../../src/stack/mysql.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { freePort } from '../support/ports.ts'
import { sharedStack } from '../support/setup.ts'
import { header, parseSip, SipClient, type RequestOptions, type SipMessage } from '../support/sip.ts'
import { stamping } from './stamp.ts'
import { Wire } from './wire.ts'

export const base = 'hashdial.test'
export const registrar = `sip:registrar.${base}`

export interface Account {
  id: string
  customer: string
  username: string
  password: string
  domain: string
  aor: string
  hash: string
  /** sip:direct.<hash>@sip.<base> */
  direct: string
}

export interface EdgeOptions {
  env?: Record<string, string>
  /** How many Asterisks are played (1). */
  asterisks?: number
  /** Where it listens beside 127.0.0.1. */
  addresses?: string[]
}

/**
 * A Kamailio of the test’s own with the shipped configuration, on the shared MySQL (through a wire that can be cut),
 * in front of Asterisks that the test plays itself.
 */
export class Edge {
  #stop: () => Promise<void> = async () => undefined
  readonly #accounts: string[] = []

  private constructor(
    readonly t: ExecutionContext,
    readonly port: number,
    readonly name: string,
    readonly database: Connection,
    readonly wire: Wire,
    readonly asterisks: readonly SipClient[],
    /** Its process, and what it has written since it was started last. */
    readonly kamailio: { pid: number; log: string },
    readonly start: () => Promise<() => Promise<void>>,
  ) {}

  static async open(t: ExecutionContext, options: EdgeOptions = {}): Promise<Edge> {
    const stack = await sharedStack()
    const port = await freeForBoth()
    const name = `edge-${port}`
    const wire = await Wire.open(stack.ports.mysql)
    const asterisks: SipClient[] = []
    for (let n = 0; n < (options.asterisks ?? 1); n++) asterisks.push(stamping(answering(await SipClient.open(port))))
    mkdirSync(join(stack.folder, 'kamailio'), { recursive: true })
    const list = asterisks.map((asterisk) => `1 sip:127.0.0.1:${asterisk.port}\n`).join('')
    writeFileSync(join(stack.folder, 'kamailio', name), list)
    const env = {
      HASHDIAL_BASE: base,
      HASHDIAL_DB: kamailioDatabaseUrl(stack.site).replace(`:${stack.ports.mysql}/`, `:${wire.port}/`),
      HASHDIAL_EDGE: name,
      HASHDIAL_DISPATCHER_LIST: `/stack/kamailio/${name}`,
      HASHDIAL_CHILDREN: '4',
      HASHDIAL_SHM_MB: '64',
      HASHDIAL_TRUNK_PRIVATE: '127.0.0.0/8', // the carriers of the tests
      ...options.env,
    }
    const running = { pid: 0, log: '' }
    const start = async () => {
      const addresses = ['127.0.0.1', ...(options.addresses ?? [])]
      const listen = ['udp', 'tcp'].flatMap((transport) =>
        addresses.flatMap((address) => ['-l', `${transport}:${address}:${port}`]),
      )
      const args = [
        '-f',
        '/hashdial/kamailio/kamailio.cfg',
        '-DD',
        '-E',
        '-M',
        '32',
        '-w',
        '/tmp',
        '-Y',
        '/tmp',
        ...listen,
      ]
      const kamailio = stack.spawn('kamailio', args, { user: 'kamailio', env, stdio: ['ignore', 'ignore', 'pipe'] })
      Object.assign(running, { pid: kamailio.pid, log: '' })
      kamailio.stderr?.on('data', (chunk: Buffer) => (running.log = (running.log + chunk.toString()).slice(-1_000_000)))
      // The process that takes TCP connections is the last to begin; until then the log may be noisy.
      const isUp = async () => (await answersOptions(port)) && (await answersPing(port))
      if (!(await becomesTrue(20_000, isUp))) throw new Error(`Kamailio does not start:\n${running.log.slice(-4096)}`)
      return async () => {
        kamailio.kill('SIGTERM')
        if (kamailio.exitCode === null && kamailio.signalCode === null) await once(kamailio, 'exit')
      }
    }
    const database = await createConnection(stack.databaseUrl)
    const edge = new Edge(t, port, name, database, wire, asterisks, running, start)
    t.teardown(() => edge.#close())
    edge.#stop = await start()
    return edge
  }

  get asterisk(): SipClient {
    return this.asterisks[0]!
  }

  async restart(): Promise<void> {
    await this.#stop()
    this.#stop = await this.start()
  }

  /** An extension, of a customer of its own unless one is given. */
  async account(customer = randomUUID() as string): Promise<Account> {
    const [id, username, password] = [randomUUID() as string, `u${random(4)}`, random(8)]
    const domain = `${customer}.registrar.${base}`
    const hash = random(6)
    const ha1 = createHash('md5').update(`${username}:${base}:${password}`).digest('hex')
    await this.rows(`INSERT IGNORE INTO customers SET id = ?, name = 'test', detail = '', tm_create = NOW(6)`, customer)
    await this.rows(
      `INSERT INTO extensions VALUES (?, ?, '', '', ?, ?, NOW(6), NULL, 0)`,
      id,
      customer,
      username,
      domain,
    )
    const account = [username, domain, ha1, id]
    await this.rows(
      `INSERT INTO subscriber (username, domain, ha1, ha1b, extension_id) VALUES (?, ?, ?, '', ?)`,
      ...account,
    )
    await this.rows(`INSERT INTO directs VALUES ('extension', ?, ?, ?, NOW(6), NULL)`, id, customer, hash)
    this.#accounts.push(customer)
    const direct = `sip:direct.${hash}@sip.${base}`
    return { id, customer, username, password, domain, hash, direct, aor: `<sip:${username}@${domain}>` }
  }

  async rows(sql: string, ...values: unknown[]): Promise<RowDataPacket[]> {
    const [rows] = await this.database.query(sql, values)
    return rows as RowDataPacket[]
  }

  /** The row of its registration. */
  async registration({ id }: Account): Promise<RowDataPacket | undefined> {
    return (await this.rows('SELECT * FROM registrations WHERE extension_id = ?', id))[0]
  }

  async client(address?: string): Promise<SipClient> {
    const client = await SipClient.open(this.port, address)
    this.t.teardown(() => client.close())
    return client
  }

  /** A client that answers OPTIONS, as a device does. */
  async device(address?: string): Promise<SipClient> {
    return answering(await this.client(address))
  }

  async #close(): Promise<void> {
    await this.#stop()
    for (const asterisk of this.asterisks) asterisk.close()
    this.wire.close()
    await this.rows('DELETE FROM customers WHERE id IN (?)', [...this.#accounts, ''])
    await this.rows('DELETE FROM edges WHERE name = ?', this.name)
    await this.rows('DELETE FROM guess_blocks WHERE edge = ?', this.name)
    await this.database.end()
  }
}

/** A port that nobody uses for UDP nor TCP. */
async function freeForBoth(): Promise<number> {
  for (;;) {
    const port = await freePort()
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    server.close()
    if (free) return port
  }
}

const random = (bytes: number): string => randomBytes(bytes).toString('hex')

function answering(client: SipClient): SipClient {
  client.socket.on('message', (bytes) => {
    const message = parseSip(bytes.toString())
    if (message.method === 'OPTIONS') client.reply(message, '200 OK')
  })
  return client
}

/** What a REGISTER of this account says, apart from its credentials. */
export function registering(account: Account, options: Partial<RequestOptions> = {}): RequestOptions {
  return { uri: registrar, from: account.aor, to: account.aor, ...options }
}

export const register = (
  client: SipClient,
  account: Account,
  options: Partial<RequestOptions> = {},
): Promise<SipMessage> => client.authenticated('REGISTER', registering(account, options), account)

/** The first request of this method that reaches the client, from message number `since` on. */
export const incoming = (client: SipClient, method: string, since = 0): Promise<SipMessage> =>
  client.message((message) => message.method === method, since)

/** The answer as somebody sees it who wants to tell two answers apart. */
export function visible(answer: SipMessage): string {
  return answer.text
    .split('\r\n')
    .filter((line) => !/^(Via|Call-ID|CSeq|From|To):/.test(line))
    .join('\n')
}

/** Two line ends by TCP are answered by one (RFC 5626, 4.4.1). */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('\r\n\r\n'))
    socket.setTimeout(1_000, () => socket.destroy())
    socket.on('data', () => (resolve(true), socket.destroy()))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(false))
  })
}

/** Routes for a request inside the dialog that this INVITE or its 200 made. */
export function routes(message: SipMessage, reversed: boolean): string[] {
  const all = (message.headers.get('record-route') ?? []).flatMap((value) => value.split(/,\s*/))
  return (reversed ? all.reverse() : all).map((route) => `Route: ${route}`)
}

export const contactOf = (message: SipMessage): string => /<([^>]+)>/.exec(header(message, 'contact'))?.[1] ?? ''
export const tagOf = (message: SipMessage, name: string): string =>
  /;tag=([^;]+)/.exec(header(message, name))?.[1] ?? ''
