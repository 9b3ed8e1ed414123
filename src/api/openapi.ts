import type { RequestRoute } from '@hapi/hapi'
import type Joi from 'joi'
import { httpStatus } from '../errors.ts'
import type { Resource } from '../resources/index.ts'
import type { Description } from './route.ts'

type Schema = Record<string, unknown>
type Names = ReadonlyMap<Joi.Schema, string>

/** OpenAPI 3.1 from the routes themselves: what is described is what is there. */
export function describeApi(routes: RequestRoute[], resources: readonly Resource[]): Schema {
  const paths: Record<string, Schema> = {}
  const names = new Map<Joi.Schema, string>(resources.map(({ type, schema }) => [schema.read, type]))
  for (const { method, path, settings } of routes) {
    const route = (settings.plugins as { openapi?: Description } | undefined)?.openapi
    if (route) (paths[path] ??= {})[method] = operation(method, path, route, names)
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Hashdial', version: '1.0', description: 'A short public SIP address for everything on a PBX.' },
    security: [{ bearer: [] }, { token: [] }],
    paths,
    components: {
      schemas: {
        error: errorSchema,
        ...Object.fromEntries([...names].map(([schema, name]) => [name, jsonSchema(schema)])),
      },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An access key, or the admin key.' },
        token: { type: 'apiKey', in: 'query', name: 'token', description: 'The same in the query.' },
      },
    },
  }
}

function operation(method: string, path: string, route: Description, names: Names): Schema {
  const { tag, summary, status = 200, body, open, query, params } = route
  const { contentType } = route
  const binary = contentType && { [contentType]: { schema: { type: 'string', format: 'binary' } } }
  const answer = binary || json(answerSchema(route, names))
  return {
    ...{ tags: [tag], summary, operationId: operationId(method, path) },
    ...(open && { security: [] }),
    parameters: [...parameters('path', params), ...parameters('query', query)],
    ...(body && { requestBody: { required: true, content: json(jsonSchema(body)) } }),
    responses: {
      [status]: { description: 'Done', content: answer },
      // /health tells with the same body that a part is away.
      ...(path === '/health' && { 503: { description: 'A part is away', content: answer } }),
      default: { description: 'An error', content: json({ $ref: '#/components/schemas/error' }) },
    },
  }
}

/** What a resource looks like is said once, under its name. */
function answerSchema({ answer, items }: Description, names: Names): Schema {
  const reference = (schema: Joi.Schema): Schema | undefined =>
    names.has(schema) ? { $ref: `#/components/schemas/${names.get(schema)}` } : undefined
  const schema = reference(answer) ?? jsonSchema(answer)
  if (!items) return schema
  const properties = schema.properties as Record<string, Schema>
  return { ...schema, properties: { ...properties, result: { ...properties.result, items: reference(items) } } }
}

function operationId(method: string, path: string): string {
  const words = path.replace('/v1.0', '').split(/[^A-Za-z]+/)
  return [method, ...words.filter(Boolean)].join('_').replaceAll('-', '_')
}

function parameters(place: 'path' | 'query', schema: Joi.ObjectSchema | undefined): Schema[] {
  if (!schema) return []
  const { properties = {}, required = [] } = jsonSchema(schema) as { properties?: Schema; required?: string[] }
  return Object.entries(properties).map(([name, value]) => {
    const { description, ...rest } = value as Schema
    return { name, in: place, required: required.includes(name), ...(description ? { description } : {}), schema: rest }
  })
}

function json(schema: Schema): Schema {
  return { 'application/json': { schema } }
}

/** Joi's own JSON Schema, with what it forgets: examples, a null among the values of an enum, `or` and `xor`. */
function jsonSchema(schema: Joi.Schema): Schema {
  const made = schema['~standard'].jsonSchema.input({ target: 'draft-2020-12' }) as Schema
  return mend(made, schema.describe() as Described)
}

interface Described {
  keys?: Record<string, Described>
  items?: Described[]
  examples?: unknown[]
  allow?: unknown[]
  dependencies?: { rel: string; peers: string[] }[]
}

function mend(made: Schema, { keys = {}, items = [], examples, allow = [], dependencies = [] }: Described): Schema {
  const schema = { ...made }
  if (examples) schema.examples = examples
  if (schema.enum && allow.includes(null)) schema.enum = [...new Set([...(schema.enum as unknown[]), null])]
  if (schema.properties) {
    const properties = Object.entries(schema.properties as Record<string, Schema>)
    schema.properties = Object.fromEntries(properties.map(([name, value]) => [name, mend(value, keys[name] ?? {})]))
  }
  if (schema.items && items[0]) schema.items = mend(schema.items as Schema, items[0])
  const choices = dependencies.flatMap(({ rel, peers }): Schema[] => {
    const one = peers.map((peer) => ({ required: [peer] }))
    return rel === 'or' ? [{ anyOf: one }] : rel === 'xor' ? [{ oneOf: one }] : []
  })
  if (choices.length > 1) schema.allOf = choices
  else Object.assign(schema, choices[0])
  return schema
}

const text = { type: 'string' }

const errorSchema = {
  type: 'object',
  required: ['error'],
  additionalProperties: false,
  properties: {
    error: {
      type: 'object',
      required: ['status', 'reason', 'message', 'request_id', 'details'],
      additionalProperties: false,
      properties: {
        status: { ...text, enum: Object.keys(httpStatus) },
        reason: { ...text, pattern: '^[A-Z_]+$', examples: ['EXTENSION_NOT_FOUND'] },
        message: { ...text, description: 'What was wrong, and how to mend it.' },
        request_id: { ...text, pattern: '^req_', description: 'The name of the request in our log.' },
        details: { type: 'array', items: { type: 'object' }, description: 'Each wrong field.' },
      },
    },
  },
}
