import type { Request } from '@hapi/hapi'
import type Joi from 'joi'
import { HashdialError } from '../errors.ts'
import { parseJson, sizeOf } from '../json.ts'
import type { Body } from '../resources/resource.ts'
import { turn } from '../turns.ts'
import { principalOf } from './auth.ts'
import { invalid } from './errors.ts'

/** A body with more bytes than this waits for its turn, so that several at once do not hold up calls. */
const largeBytes = 16_384

/** How many values a body may have beside its list of actions, which is checked by itself: each costs some 20 µs. */
const mostValues = 500

/** The JSON object of a request, checked. `schema` undefined: the request has no body, or an empty one. */
export async function readBody(request: Request, schema: Joi.ObjectSchema | undefined): Promise<Body> {
  const { payload, headers } = request
  // Of others hapi takes the bytes as they are.
  const encoding: unknown = headers['content-encoding']
  if (typeof encoding === 'string' && !/^(identity|(x-)?gzip|deflate)?$/i.test(encoding))
    throw new HashdialError(
      'UNSUPPORTED_MEDIA_TYPE',
      'NOT_JSON',
      'send the body as it is, or packed by gzip or deflate',
    )
  const bytes = payload instanceof Uint8Array ? payload : new Uint8Array()
  if (bytes.length === 0 && !schema) return {}
  const principal = request.auth.isAuthenticated ? principalOf(request) : undefined
  if (bytes.length > largeBytes) await turn(!principal || principal.operator ? '' : principal.customer_id)
  const value = parse(bytes)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw broken('the body must be a JSON object')
  const { actions: _, ...others } = value as Body
  if (sizeOf(others, mostValues).values > mostValues) throw broken(`the body must have at most ${mostValues} values`)
  if (!schema) return refuseFields(value as Body)
  const result = schema.validate(value, { abortEarly: false, convert: false })
  if (result.error) throw invalid('INVALID_ARGUMENT', result.error, 'the body is wrong')
  return result.value as Body
}

function parse(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes)
  } catch (error) {
    throw broken(`the body is not JSON in UTF-8: ${(error as Error).message}`)
  }
}

function refuseFields(value: Body): Body {
  const fields = Object.keys(value)
  if (fields.length === 0) return {}
  const details = fields.map((field) => ({ field, problem: 'nothing is to be given here' }))
  const message = `this request has no body: leave out ${fields.join(', ')}`
  throw new HashdialError('INVALID_ARGUMENT', 'INVALID_ARGUMENT', message, details)
}

function broken(message: string): HashdialError {
  return new HashdialError('INVALID_ARGUMENT', 'INVALID_JSON_BODY', message)
}
