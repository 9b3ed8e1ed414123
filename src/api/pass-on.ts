import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lifecycle, Request, ResponseToolkit, Server } from '@hapi/hapi'
import { CallElsewhere } from '../nodes/elsewhere.ts'
import type { Peers } from '../nodes/peers.ts'
import { requestId } from './errors.ts'

/** In milliseconds, of the time that a request may take: how long its answer may take, and how long somebody is looked for who gives one. */
const answerMs = 9_000
const searchMs = 6_500
const retryMs = 200

const signedHeader = 'hashdial-passed-on'
const idHeader = 'hashdial-request-id'
const requestHeaders = ['authorization', 'content-type', 'accept', 'range', 'if-range', 'if-none-match']
const responseHeaders = [
  ...['content-type', 'content-length', 'content-range', 'accept-ranges', 'content-disposition', 'etag'],
  ...['retry-after', 'www-authenticate'],
]

interface Passed {
  id?: string
  /** By another process: it has counted the request, and there is no second hop. */
  passedOn?: boolean
}

/** Was the request passed on by a process of ours, which has counted it already? */
export function wasPassedOn({ app }: Request): boolean {
  return (app as Passed).passedOn === true
}

/**
 * A request that another process has to carry out is passed on to that one, with its token, and answered with its answer.
 * While the process dies or stops, the one that takes its place is waited for.
 */
export function passRequestsOn(server: Server, peers: Peers): void {
  server.ext('onRequest', (request, h) => {
    const signed: unknown = request.headers[signedHeader]
    if (typeof signed !== 'string' || !peers.verify(signed, request.method, request.path)) return h.continue
    const id: unknown = request.headers[idHeader]
    Object.assign(request.app, {
      passedOn: true,
      ...(typeof id === 'string' && /^req_[0-9a-f]{24}$/.test(id) && { id }),
    })
    return h.continue
  })
  const passOn: Lifecycle.Method = async (request, h) => {
    const { response } = request
    if (!(response instanceof CallElsewhere) || wasPassedOn(request) || !peers.isUsable) return h.continue
    const answer = await answerFor(request, response.node, peers)
    return answer ? reply(h, answer) : h.continue
  }
  server.ext('onPreResponse', passOn)
}

async function answerFor(
  request: Request,
  node: string | undefined,
  peers: Peers,
): Promise<IncomingMessage | undefined> {
  const end = request.info.received + searchMs
  for (;;) {
    try {
      const url = await peers.urlOf(node)
      if (url !== undefined) return await send(request, url, peers)
    } catch (error) {
      // What did not get there can be sent again; what did, and was not answered, may have been done.
      if (!/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH)$/.test((error as { code?: string }).code ?? '')) return undefined
    }
    if (Date.now() > end) return undefined
    await delay(retryMs)
  }
}

function send(request: Request, base: string, peers: Peers): Promise<IncomingMessage> {
  const { method, path, url, payload, headers, info } = request
  const target = new URL(path + url.search, base)
  const body = payload instanceof Uint8Array ? payload : undefined
  const given = headers as Record<string, string | undefined>
  const passed = Object.fromEntries(requestHeaders.flatMap((name) => (given[name] ? [[name, given[name]]] : [])))
  const sent = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, {
    method,
    // A connection that was kept may be closing, and then nobody knows what has become of the request.
    agent: false,
    signal: AbortSignal.timeout(Math.max(1, info.received + answerMs - Date.now())),
    headers: {
      ...(passed as Record<string, string>),
      ...(body && { 'content-length': body.length }),
      [signedHeader]: peers.sign(method, path),
      [idHeader]: requestId(request),
    },
  })
  return new Promise((resolve, reject) => {
    sent.on('response', resolve)
    sent.on('error', reject)
    sent.end(body)
  })
}

function reply(h: ResponseToolkit, answer: IncomingMessage) {
  const response = h.response(answer).code(answer.statusCode ?? 502)
  for (const name of responseHeaders) {
    const value = answer.headers[name]
    if (typeof value === 'string') response.header(name, value)
  }
  return response
}
