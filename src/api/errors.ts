import { randomBytes } from 'node:crypto'
import type { Lifecycle, Request } from '@hapi/hapi'
import type Joi from 'joi'
import { isDatabaseAway, isDatabaseReadOnly } from '../database.ts'
import { HashdialError, type ErrorStatus } from '../errors.ts'
import type { Logger } from '../log.ts'

/** The name of a request in its answer, in its header and in the log. */
export function newRequestId(): string {
  return `req_${randomBytes(12).toString('hex')}`
}

export function requestId(request: Request): string {
  const app = request.app as { id?: string }
  return (app.id ??= newRequestId())
}

/** How many wrong fields are told: nobody mends more at once. */
const told = 100

/** Names each wrong field, and says what is wrong with it. */
export function invalid(reason: string, error: Joi.ValidationError, subject: string): HashdialError {
  const details = error.details.slice(0, told).map(({ path, message }) => ({
    field: path.join('.').slice(0, 200),
    problem: message.slice(0, 500),
  }))
  const problems = [...new Set(details.map(({ problem }) => problem))].join('; ')
  return new HashdialError('INVALID_ARGUMENT', reason, `${subject}: ${problems}`, details)
}

/** hapi's own refusals: the status, the reason, and what to do about it. */
const refusals: Record<number, [ErrorStatus, string, string]> = {
  400: ['INVALID_ARGUMENT', 'INVALID_REQUEST', 'the request cannot be read: check the path and the headers'],
  404: ['NOT_FOUND', 'ROUTE_NOT_FOUND', 'there is nothing at this path: see /docs for what there is'],
  405: ['METHOD_NOT_ALLOWED', 'METHOD_NOT_ALLOWED', 'this path has other methods: see the Allow header'],
  408: ['DEADLINE_EXCEEDED', 'REQUEST_TIMEOUT', 'the request did not arrive in time: send it again'],
  413: ['PAYLOAD_TOO_LARGE', 'BODY_TOO_LARGE', 'the body is too large'],
  415: ['UNSUPPORTED_MEDIA_TYPE', 'NOT_JSON', 'send JSON, with the header Content-Type: application/json'],
  503: ['UNAVAILABLE', 'REQUEST_TIMEOUT', 'it took too long: try again'],
}

/** Every error becomes the contract's envelope here, whoever threw it; what nobody expected is logged. */
export function errorAnswers(logger: Logger): Lifecycle.Method {
  return (request, h) => {
    const { response } = request
    if (!(response instanceof Error)) {
      response.header('x-request-id', requestId(request))
      return h.continue
    }
    const { error, headers } = understand(request, response)
    const request_id = requestId(request)
    logFailure(logger, error, response, request_id)
    const answer = h.response(envelope(error, request_id)).code(error.httpStatus)
    for (const [name, value] of Object.entries(headers)) answer.header(name, value)
    return answer.header('x-request-id', request_id)
  }
}

/** What is wrong on our side is logged as it was thrown. */
export function logFailure(logger: Logger, { status }: HashdialError, err: unknown, request_id: string): void {
  if (status === 'INTERNAL') logger.error({ err, request_id }, 'a request failed')
  if (status === 'UNAVAILABLE') logger.warn({ err, request_id }, 'a request could not be served')
}

/** The body of an answer that is an error. */
export function envelope({ status, reason, message, details }: HashdialError, request_id: string): object {
  return { error: { status, reason, message, request_id, details } }
}

type Boomed = Error & { output: { statusCode: number; headers: Record<string, unknown> } }

function understand(request: Request, thrown: Boomed): { error: HashdialError; headers: Record<string, string> } {
  const known = knownError(thrown)
  if (known) return { error: known, headers: headersOf(known) }
  const { statusCode, headers } = thrown.output
  const others = statusCode === 404 ? otherMethods(request) : ''
  const refusal = refusals[others ? 405 : statusCode]
  if (refusal) {
    const error = new HashdialError(...refusal)
    return { error, headers: { ...(others ? { allow: others } : plain(headers)), ...headersOf(error) } }
  }
  return { error: internalError(), headers: {} }
}

/** What we threw ourselves, or the database; undefined for anything else. */
export function knownError(thrown: unknown): HashdialError | undefined {
  if (thrown instanceof HashdialError) return thrown
  const problem = isDatabaseAway(thrown) ? 'away' : isDatabaseReadOnly(thrown) ? 'read-only' : undefined
  return problem && new HashdialError('UNAVAILABLE', 'DATABASE_UNAVAILABLE', `the database is ${problem}: try again`)
}

export function internalError(): HashdialError {
  return new HashdialError('INTERNAL', 'INTERNAL', 'something went wrong on our side; the log has the request_id')
}

/** When to try again, where the error does not say it. */
const retrySeconds: Partial<Record<ErrorStatus, number>> = { UNAVAILABLE: 2, RESOURCE_EXHAUSTED: 1 }

/** What the answer to an error says in its headers. */
export function headersOf(error: HashdialError): Record<string, string> {
  const seconds = (error as { retrySeconds?: number }).retrySeconds ?? retrySeconds[error.status]
  if (error.status === 'UNAUTHENTICATED') return { 'www-authenticate': 'Bearer realm="hashdial"' }
  return seconds === undefined ? {} : { 'retry-after': String(seconds) }
}

function plain(headers: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}

/** The methods that this path has, when it has not the one that was asked for. */
function otherMethods(request: Request): string {
  const there = (['GET', 'POST', 'PUT', 'DELETE'] as const).filter((method) => {
    const path = request.server.match(method.toLowerCase() as 'get', request.path)?.path
    return path !== undefined
  })
  return there.join(', ')
}
