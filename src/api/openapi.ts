import type { RequestRoute } from '@hapi/hapi'
import type Joi from 'joi'
import { httpStatus } from '../errors.ts'
import type { Resource } from '../resources/index.ts'
import { jsonSchema, reference, type Schema } from './json-schema.ts'
import { actionSchemas, actionTable } from './openapi-actions.ts'
import { errorStatuses, reasonsOf, reasonTable } from './reasons.ts'
import type { Description } from './route.ts'

type Names = ReadonlyMap<Joi.Schema, string>

const mit = { name: 'MIT', identifier: 'MIT' }
const contact = { name: 'Who runs this Hashdial' }

/** OpenAPI 3.1 from the routes themselves: what is described is what is there. */
export function describeApi(routes: RequestRoute[], resources: readonly Resource[]): Schema {
  const paths: Record<string, Schema> = {}
  const names = new Map<Joi.Schema, string>(resources.map(({ type, schema }) => [schema.read, type]))
  for (const { method, path, settings } of routes) {
    const route = (settings.plugins as { openapi?: Description } | undefined)?.openapi
    if (!route) continue
    const resource = resources.find(({ plural }) => plural === route.tag)
    const described = { ...operation(method, path, route, names), description: credentials(route, resource) }
    ;(paths[path] ??= {})[method] = described
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Hashdial', version: '1.0', license: mit, contact, description: introduction(resources) },
    servers: [{ url: '/', description: 'Where this document comes from.' }],
    security: [{ bearer: [] }, { token: [] }],
    tags: tags(resources),
    paths,
    components: {
      schemas: {
        error: errorSchema(resources),
        ...actionSchemas(),
        ...Object.fromEntries([...names].map(([schema, name]) => [name, jsonSchema(schema)])),
      },
      responses: errorResponses(resources),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'An access key, the token of an agent, or the admin key.',
        },
        token: { type: 'apiKey', in: 'query', name: 'token', description: 'The same in the query.' },
      },
    },
  }
}

function credentials({ open, forAgents }: Description, resource: Resource | undefined): string {
  if (open) return 'For everyone, without a token.'
  if (forAgents) return 'With an access key, or by the agent itself with the token of its login.'
  if (resource?.access === 'operator') return 'With the admin key.'
  return resource?.access ? 'With an access key, or the admin key.' : 'With an access key.'
}

function introduction(resources: readonly Resource[]): string {
  return [
    'A short public SIP address for everything on a PBX.',
    'Lists show the newest first. What is not yours is not found. An update names the fields that change.',
    '## Errors',
    reasonTable(resources),
  ].join('\n\n')
}

function tags(resources: readonly Resource[]): Schema[] {
  const told = resources.map(({ plural, about }) => ({
    name: plural,
    description: plural === 'flows' ? `${about}\n\n${actionTable()}` : about,
  }))
  return [...told, { name: 'operation', description: 'For those who run Hashdial.' }]
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
      ...Object.fromEntries(
        errorCodes(method, route).map((code) => [code, { $ref: `#/components/responses/${code}` }]),
      ),
      // /health tells with the same body that a part is away.
      ...(path === '/health' && { 503: { description: 'A part is away', content: answer } }),
    },
  }
}

/** What a resource looks like is said once, under its name. */
function answerSchema({ answer, items }: Description, names: Names): Schema {
  const named = (schema: Joi.Schema): Schema | undefined =>
    names.has(schema) ? reference(names.get(schema)!) : undefined
  const schema = named(answer) ?? jsonSchema(answer)
  if (!items) return schema
  const properties = schema.properties as Record<string, Schema>
  return { ...schema, properties: { ...properties, result: { ...properties.result, items: named(items) } } }
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

/** What a request to this route can be refused with. */
function errorCodes(method: string, { open, params, body }: Description): number[] {
  const changes = method !== 'get'
  return [
    ...[400, 408, 429, 500, 503],
    ...(open ? (body ? [401] : []) : [401, 403]),
    ...(params ? [404] : []),
    ...(changes ? [409, 413, 415] : []),
    ...(body && !params ? [404] : []),
  ].sort()
}

function errorResponses(resources: readonly Resource[]): Record<number, Schema> {
  const codes = [...new Set(Object.values(httpStatus))]
  const described = codes.map((code) => {
    const statuses = errorStatuses.filter((status) => httpStatus[status] === code)
    const told = statuses.map((status) => `${status}: ${Object.keys(reasonsOf(status, resources)).join(', ')}`)
    return [code, { description: told.join('. '), content: json(reference('error')) }] as const
  })
  return Object.fromEntries(described.filter(([code]) => code !== 405))
}

const text = { type: 'string' }

function errorSchema(resources: readonly Resource[]): Schema {
  const reasons = errorStatuses.flatMap((status) => Object.keys(reasonsOf(status, resources)))
  const error = {
    type: 'object',
    required: ['status', 'reason', 'message', 'request_id', 'details'],
    additionalProperties: false,
    properties: {
      status: { ...text, enum: errorStatuses },
      reason: { ...text, enum: [...new Set(reasons)], description: 'It never changes its meaning.' },
      message: { ...text, description: 'What was wrong, and how to mend it.' },
      request_id: { ...text, pattern: '^req_', description: 'The name of the request in our log.' },
      details: { type: 'array', items: { type: 'object' }, description: 'Each wrong field.' },
    },
  }
  return { type: 'object', required: ['error'], additionalProperties: false, properties: { error } }
}
