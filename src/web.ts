import { lookup, type LookupAddress, type LookupOptions } from 'node:dns'
import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { BlockList, isIP } from 'node:net'

/** What a customer's flow may be told of a request that failed. */
export class WebError extends Error {
  override name = 'WebError'
}

export interface WebRequest {
  method?: string
  headers?: Record<string, string>
  body?: string
  /** The longest answer that is read, in bytes. */
  maxBytes?: number
  /** For everything together: name, connection, redirects, answer. In milliseconds. */
  timeout?: number
  signal?: AbortSignal
}

export interface WebAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
  /** Where it came from in the end. */
  url: string
}

const redirects = 3
const defaultTimeout = 10_000
const defaultBytes = 262_144

/**
 * HTTP to wherever a customer says. Customers are strangers here: with a URL they must not reach what this machine
 * reaches and they do not (server-side request forgery). So the address that a name resolves to is looked at, and that
 * very address is connected to; every redirect is looked at again.
 */
export class Web {
  readonly #allowed: BlockList

  /** `networks`: private ones that may be reached all the same (`10.1.0.0/16`, `127.0.0.1/32`). */
  constructor(networks: readonly string[] = []) {
    this.#allowed = listOf(networks)
  }

  /** Rejects with WebError, or with the signal's reason. */
  async request(url: string, options: WebRequest = {}): Promise<WebAnswer> {
    const late = AbortSignal.timeout(options.timeout ?? defaultTimeout)
    const signal = options.signal ? AbortSignal.any([options.signal, late]) : late
    try {
      return await this.#follow(parse(url), options, signal)
    } catch (error) {
      options.signal?.throwIfAborted()
      if (late.aborted) throw new WebError(`there was no whole answer in ${options.timeout ?? defaultTimeout} ms`)
      if (error instanceof WebError) throw error
      throw new WebError((error as NodeJS.ErrnoException).code ?? (error as Error).message)
    }
  }

  /** May a customer's request go to this address? */
  allows(address: string): boolean {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    return this.#allowed.check(address, family) || isPublic(address)
  }

  async #follow(first: URL, options: WebRequest, signal: AbortSignal): Promise<WebAnswer> {
    let url = first
    let { method = 'GET', body } = options
    for (let hops = 0; ; hops++) {
      const response = await this.#send(url, { ...options, method, ...(body !== undefined && { body }) }, signal)
      const { statusCode: status = 0, headers } = response
      if (!headers.location || ![301, 302, 303, 307, 308].includes(status)) {
        return { status, headers, body: await read(response, options.maxBytes ?? defaultBytes), url: url.href }
      }
      response.destroy()
      if (hops === redirects) throw new WebError(`it redirects more than ${redirects} times`)
      url = parse(headers.location, url)
      // As browsers do (RFC 9110, 15.4): only 307 and 308 promise that the method stays.
      if (status < 307 && method !== 'HEAD') [method, body] = ['GET', undefined]
    }
  }

  async #send(url: URL, { method, headers, body }: WebRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    // Nothing is looked up for an address that is written as such.
    if (isIP(host) && !this.allows(host)) throw refusal(host)
    const { request } = url.protocol === 'https:' ? https : http
    const all = {
      'user-agent': 'hashdial',
      ...headers,
      ...(body !== undefined && { 'content-length': lengthOf(body) }),
    }
    // An agent would keep connections that somebody else was allowed to make.
    const sent: ClientRequest = request(url, {
      ...{ method, headers: all, signal, agent: false },
      lookup: (name, options, done) => this.#lookup(name, options, done),
    })
    return new Promise((resolve, reject) => {
      sent.on('response', resolve)
      sent.on('error', reject)
      sent.end(body)
    })
  }

  /** As dns.lookup, without the addresses that are not for customers. */
  #lookup(name: string, options: LookupOptions, done: Lookedup): void {
    lookup(name, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error, '', 0)
      const good = addresses.filter(({ address }) => this.allows(address))
      if (!good[0]) return done(refusal(name), '', 0)
      if (options.all) done(null, good)
      else done(null, good[0].address, good[0].family)
    })
  }
}

type Lookedup = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void

function parse(text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new WebError('the URL is not one of http or https')
}

function refusal(host: string): WebError {
  return new WebError(
    `${host} is not on the public internet; the operator can allow its network (HASHDIAL_FETCH_PRIVATE)`,
  )
}

const lengthOf = (body: string): number => Buffer.byteLength(body)

async function read(response: IncomingMessage, most: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    // Leaving the loop ends the connection.
    if (size > most) throw new WebError(`the answer has more than ${most} bytes`)
  }
  return Buffer.concat(chunks)
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const six = isIP(address) === 6
    list.addSubnet(address, Number(prefix ?? (six ? 128 : 32)), six ? 'ipv6' : 'ipv4')
  }
  return list
}

/** The special-purpose registries of IANA (RFC 6890). Of IPv6 only 2000::/3 is given to anyone; these are parts of it. */
const special = listOf([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
])
const global = listOf(['2000::/3'])

function isPublic(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !special.check(address, 'ipv4')
  return family === 6 && global.check(address, 'ipv6') && !special.check(address, 'ipv6')
}
