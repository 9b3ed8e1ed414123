import type Joi from 'joi'
import { HashdialError } from '../errors.ts'
import type { Body } from '../resources/resource.ts'
import { invalid } from './errors.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** The JSON object of a request, checked. `schema` undefined: the request has no body, or an empty one. */
export function readBody(payload: unknown, schema: Joi.ObjectSchema | undefined): Body {
  const bytes = payload instanceof Uint8Array ? payload : new Uint8Array()
  if (bytes.length === 0 && !schema) return {}
  const value = parse(bytes)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw broken('the body must be a JSON object')
  if (!schema) return refuseFields(value as Body)
  const result = schema.validate(value, { abortEarly: false, convert: false })
  if (result.error) throw invalid('INVALID_ARGUMENT', result.error, 'the body is wrong')
  return result.value as Body
}

function parse(bytes: Uint8Array): unknown {
  try {
    // A key `__proto__` would change what the checks see.
    return JSON.parse(utf8.decode(bytes), (key, value: unknown) => {
      if (key === '__proto__') throw new Error('a field cannot be called __proto__')
      return value
    })
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
