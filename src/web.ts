import { lookup, type LookupAddress, type LookupOptions } from 'node:dns'
import http, { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { isIP, type BlockList } from 'node:net'
import { WebSocket } from 'ws'
import { isPublic, listOf } from './web-addresses.ts'
import { bodyOf, codings, WebError } from './web-body.ts'

export { textOf, WebError } from './web-body.ts'

export interface WebRequest {
  method?: string
  headers?: Record<string, string>
  body?: string
  /** The longest answer that is read, in bytes, packed and unpacked. */
  maxBytes?: number
  /** What is sent has to arrive: a redirect that makes a GET of it, without its body, is not followed. */
  keepsMethod?: boolean
  /** A redirect is an answer like any other. */
  staysThere?: boolean
  /** For everything together: name, connection, redirects, answer. In milliseconds. */
  timeout?: number
  signal?: AbortSignal
}

interface AnswerOf<Body> {
  status: number
  headers: IncomingHttpHeaders
  body: Body
  /** Where it came from in the end. */
  url: string
}

export type WebAnswer = AnswerOf<Buffer>
export type ArrivingAnswer = AnswerOf<AsyncIterable<Buffer>>

const redirects = 3
const defaultTimeout = 10_000
const defaultBytes = 262_144
/** The longest message of a WebSocket. */
const socketBytes = 16_777_216

/** When a name is refused, in milliseconds after it was looked up, and at the next multiple where the lookup takes longer. */
const refusalMs = 1_000

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
  request(url: string, options: WebRequest = {}): Promise<WebAnswer> {
    return this.receive(url, options, async (answer) => {
      const chunks: Buffer[] = []
      for await (const chunk of answer.body) chunks.push(chunk)
      return { ...answer, body: Buffer.concat(chunks) }
    })
  }

  /** As `request`; the body is given to `take` while it arrives. */
  async receive<T>(url: string, options: WebRequest, take: (answer: ArrivingAnswer) => Promise<T>): Promise<T> {
    const late = AbortSignal.timeout(options.timeout ?? defaultTimeout)
    const signal = options.signal ? AbortSignal.any([options.signal, late]) : late
    try {
      return await this.#follow(parse(url), options, signal, take)
    } catch (error) {
      options.signal?.throwIfAborted()
      if (late.aborted) throw new WebError(`there was no whole answer in ${options.timeout ?? defaultTimeout} ms`)
      if (error instanceof WebError) throw error
      throw new WebError((error as NodeJS.ErrnoException).code ?? (error as Error).message)
    }
  }

  /** A WebSocket, open, to wherever a customer says. Rejects with WebError, or with the signal's reason. */
  async socket(
    url: string,
    headers: Record<string, string>,
    { signal, timeout }: { signal: AbortSignal; timeout: number },
  ): Promise<WebSocket> {
    signal.throwIfAborted()
    this.#mustAllow(parse(url.replace(/^ws/, 'http')))
    const lookup = {
      lookup: (name: string, options: LookupOptions, done: Lookedup) => this.#lookup(name, options, done),
    }
    const limits = { handshakeTimeout: timeout, maxPayload: socketBytes, perMessageDeflate: false }
    // A redirect is not followed: it would carry what is in the headers to somebody else.
    const socket = new WebSocket(url, { headers, ...limits, ...lookup })
    const close = () => socket.terminate()
    signal.addEventListener('abort', close, { once: true })
    socket.once('close', () => signal.removeEventListener('abort', close))
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(socket))
      socket.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : new WebError(error.message)))
    })
  }

  /** May a customer's request go to this address? */
  allows(address: string): boolean {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    return this.#allowed.check(address, family) || isPublic(address)
  }

  async #follow<T>(
    first: URL,
    options: WebRequest,
    signal: AbortSignal,
    take: (answer: ArrivingAnswer) => Promise<T>,
  ): Promise<T> {
    let url = first
    let request = options
    for (let hops = 0; ; hops++) {
      const response = await this.#send(url, request, signal)
      try {
        const { statusCode: status = 0, headers } = response
        if (options.staysThere || !headers.location || ![301, 302, 303, 307, 308].includes(status)) {
          return await take({
            status,
            headers,
            body: bodyOf(response, options.maxBytes ?? defaultBytes),
            url: url.href,
          })
        }
        if (hops === redirects) throw new WebError(`it redirects more than ${redirects} times`)
        url = parse(headers.location, url)
        request = redirected(request, status)
      } finally {
        response.destroy()
      }
    }
  }

  async #send(url: URL, { method, headers, body }: WebRequest, signal: AbortSignal): Promise<IncomingMessage> {
    this.#mustAllow(url)
    const { request } = url.protocol === 'https:' ? https : http
    const all = {
      ...{ 'user-agent': 'hashdial', 'accept-encoding': codings },
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

  /** Nothing is looked up for an address that is written as such. */
  #mustAllow(url: URL): void {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    if (isIP(host) && !this.allows(host)) throw refusal(host)
  }

  /** As dns.lookup, without the addresses that are not for customers. */
  #lookup(name: string, options: LookupOptions, done: Lookedup): void {
    const since = performance.now()
    lookup(name, { ...options, all: true }, (error, addresses) => {
      const good = error ? [] : addresses.filter(({ address }) => this.allows(address))
      if (!good[0]) {
        // A name that does not exist and one that must not be reached are refused with the same words, at the same time:
        // the names of a private network are nobody's business.
        setTimeout(() => done(refusal(name), '', 0), refusalMs - ((performance.now() - since) % refusalMs))
      } else if (options.all) done(null, good)
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
  const how = 'the operator can allow its network (HASHDIAL_FETCH_PRIVATE)'
  return new WebError(`${host.slice(0, 255)} is not on the public internet, or does not exist; ${how}`)
}

/**
 * What a redirect makes of a request (RFC 9110, 15.4): 303 asks to GET another resource, and 301 and 302 do so of a POST,
 * as all browsers take them; every other is sent again as it was.
 */
function redirected(request: WebRequest, status: number): WebRequest {
  const { method = 'GET', headers = {}, body: _body, ...rest } = request
  const becomesGet = status === 303 ? method !== 'HEAD' : status < 303 && method === 'POST'
  if (!becomesGet || method === 'GET') return request
  if (request.keepsMethod) {
    throw new WebError(`it redirects with ${status}, which would leave the data behind; 307 and 308 take it along`)
  }
  const left = Object.entries(headers).filter(([name]) => !name.toLowerCase().startsWith('content-'))
  return { ...rest, method: 'GET', headers: Object.fromEntries(left) }
}

const lengthOf = (body: string): number => Buffer.byteLength(body)
