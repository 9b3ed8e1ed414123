import type { Lifecycle, Request, Server } from '@hapi/hapi'
import { Budgets } from '../budgets.ts'
import { HashdialError } from '../errors.ts'
import { principalOf } from './auth.ts'
import { wasPassedOn } from './pass-on.ts'

export interface RequestLimits {
  /** Requests a second of one customer. */
  apiRequests: number
  /** Those that have not been answered. */
  apiAtOnce: number
}

/** So many bytes of a body, which is checked, or of an answer count as one more request. */
const bodyBytesPerRequest = 8_192
const answerBytesPerRequest = 32_768

/** Each field of a query is checked, so there are not more than this. */
const mostFields = 50

/** What a customer asks for beyond its limits is answered 429, before anything is done for it. The operator has none. */
export function limitRequests(server: Server, { apiRequests, apiAtOnce }: RequestLimits): void {
  const budgets = new Budgets(apiRequests)
  const underway = new Map<string, number>()
  const begin: Lifecycle.Method = (request, h) => {
    const customer = customerOf(request)
    if (customer === undefined || wasPassedOn(request)) return h.continue
    const count = underway.get(customer) ?? 0
    if (count >= apiAtOnce) throw exhausted(`${apiAtOnce} requests of yours are under way`, 1)
    const wait = budgets.take(customer, 1)
    if (wait > 0) throw exhausted('you have sent too many requests', Math.ceil(wait / 1_000))
    underway.set(customer, count + 1)
    ;(request.app as Counted).customer = customer
    return h.continue
  }
  server.ext('onRequest', (request, h) => {
    if (Object.keys(request.query).length <= mostFields) return h.continue
    const how = `the query has more than ${mostFields} fields`
    throw new HashdialError('INVALID_ARGUMENT', 'INVALID_REQUEST_PARAMETER', how)
  })
  server.ext('onPostAuth', begin)
  server.events.on('response', (request) => {
    const { customer } = request.app as Counted
    if (customer === undefined) return
    const count = underway.get(customer) ?? 0
    if (count > 1) underway.set(customer, count - 1)
    else underway.delete(customer)
    budgets.take(customer, requestsFor(request))
  })
}

interface Counted {
  customer?: string
}

/** Of the body and of the answer, before it is compressed (which hapi's response tells in its headers only where it is not). */
function requestsFor({ payload, response }: Request): number {
  const { _payload: answer } = response as { _payload?: { size?(): number } }
  const body = payload instanceof Uint8Array ? payload.length : 0
  return body / bodyBytesPerRequest + (answer?.size?.() ?? 0) / answerBytesPerRequest
}

function customerOf({ auth }: Request): string | undefined {
  if (!auth.isAuthenticated) return undefined
  const principal = principalOf({ auth } as Request)
  return principal.operator ? undefined : principal.customer_id
}

function exhausted(why: string, seconds: number): HashdialError {
  const error = new HashdialError('RESOURCE_EXHAUSTED', 'RATE_LIMIT_EXCEEDED', `${why}: wait ${seconds} s`)
  return Object.assign(error, { retrySeconds: seconds })
}
