import type { Lifecycle, Request, ServerRoute } from '@hapi/hapi'
import Joi from 'joi'
import { HashdialError } from '../errors.ts'
import { invalid } from './errors.ts'

/** A route with all that OpenAPI says of it. */
interface Described {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  tag: string
  summary: string
  answer: Joi.ObjectSchema
  /** Of a list: what it is a list of. */
  items?: Joi.ObjectSchema
  /** Of an answer that is no JSON. */
  contentType?: string
  status?: number
  query?: Joi.ObjectSchema
  params?: Joi.ObjectSchema
  body?: Joi.ObjectSchema
  payload?: object
  /** Everyone may have it. */
  open?: boolean
  /** An agent may have it for itself, with the token of its login. */
  forAgents?: boolean
  handler: Lifecycle.Method
}

/** What OpenAPI is made from: it is in each route's settings. */
export type Description = Omit<Described, 'method' | 'path' | 'payload' | 'handler'>

/** Bodies are parsed by readBody: it tells what is wrong with them. */
export const bodyPayload = { parse: 'gunzip', output: 'data', allow: 'application/json' } as const

// Read by the authentication, which comes before.
const token = { token: Joi.any().strip() }

export function described(route: Described): ServerRoute {
  const { method, path, handler, payload, params, open, ...description } = route
  const query = (description.query ?? Joi.object()).keys(token)
  return {
    ...{ method, path, handler },
    options: {
      ...(open && { auth: false }),
      ...(payload && { payload }),
      validate: { query, ...(params && { params }), options: { abortEarly: false }, failAction: refuse },
      plugins: { openapi: { ...description, ...(params && { params }), ...(open && { open }) } satisfies Description },
    },
  }
}

export function isForAgents({ route }: Request): boolean {
  return (route.settings.plugins as { openapi?: Description } | undefined)?.openapi?.forAgents === true
}

/** hapi found that the path or the query is wrong. */
const refuse: Lifecycle.FailAction = (request, _h, error) => {
  if (!Joi.isError(error)) throw error ?? new Error('refused without a reason')
  const { output } = error as unknown as { output: { payload: { validation: { source: string } } } }
  if (output.payload.validation.source === 'params') {
    const field = String(error.details[0]?.path[0] ?? 'id')
    const details = [{ field, problem: 'it is not a UUID' }]
    const how = `"${String(request.params[field]).slice(0, 60)}" is no id: give a UUID such as 6f1c0f5e-7d53-4d0e-9a53-0c2f5a7f3b11`
    throw new HashdialError('INVALID_ARGUMENT', 'INVALID_ID', how, details)
  }
  throw invalid('INVALID_REQUEST_PARAMETER', error, 'the query is wrong')
}
