import type { Request, ServerRoute } from '@hapi/hapi'
import Joi from 'joi'
import { now } from '../database.ts'
import { HashdialError } from '../errors.ts'
import { id } from '../resources/fields.ts'
import { present } from '../resources/present.ts'
import type { Command, Part, Resource, Row, Site, View } from '../resources/resource.ts'
import { principalOf, type Principal } from './auth.ts'
import { readBody } from './body.ts'
import { pagingQuery, readPageToken, writePageToken } from './paging.ts'
import { bodyPayload, described } from './route.ts'
import { list } from './list.ts'
import * as store from './store.ts'

/** The routes of a resource, as far as it has schemas for them. */
export function routesOf(resource: Resource, site: Site): ServerRoute[] {
  const { schema, deletable, direct, file, commands = {}, parts = {}, views = {} } = resource
  return [
    listRoute(resource, site),
    readRoute(resource, site),
    ...(schema.create ? [createRoute(resource, site, schema.create)] : []),
    ...(schema.update ? [updateRoute(resource, site, schema.update)] : []),
    ...(deletable ? [deleteRoute(resource, site)] : []),
    ...(resource.dismiss ? [dismissRoute(resource, site)] : []),
    ...(direct ? [regenerateRoute(resource, site)] : []),
    ...(file ? [fileRoute(resource, site, file)] : []),
    ...Object.entries(commands).map(([name, command]) => commandRoute(resource, site, name, command)),
    ...Object.entries(parts).map(([name, part]) => partRoute(resource, site, name, part)),
    ...Object.entries(views).map(([name, view]) => viewRoute(resource, site, name, view)),
  ]
}

const idParams = Joi.object({ id: id().required() })

/** Where they are: those of another resource below its id. */
function pathOf({ plural, under }: Resource): string {
  return under ? `/v1.0/${under.parent.plural}/{${under.column}}/${plural}` : `/v1.0/${plural}`
}

function parentParams({ under }: Resource): Joi.ObjectSchema | undefined {
  return under && Joi.object({ [under.column]: id().required() })
}

function listRoute(resource: Resource, site: Site): ServerRoute {
  const query = Joi.object(pagingQuery).concat(resource.schema.filter ?? Joi.object())
  return described({
    ...{ method: 'GET', path: pathOf(resource), tag: resource.plural, query },
    ...(resource.under && { params: parentParams(resource)! }),
    summary: `List ${resource.plural}, the newest first`,
    items: resource.schema.read,
    answer: Joi.object({
      result: Joi.array().items(resource.schema.read).required(),
      next_page_token: Joi.string().allow('').required().description('"" on the last page.'),
    }),
    async handler(request) {
      const { page_size: size, page_token, ...filter } = request.query as { page_size: number; page_token: string }
      const after = readPageToken(page_token)
      const scope = { ...(resource.narrow ? {} : filter), ...scopeOf(resource, request) }
      await store.mustHaveParent(site, resource, scope)
      const { rows, more } = await list(site, resource, { scope, size, after, filter })
      const last = more ? rows.at(-1) : undefined
      return {
        result: rows.map((row) => present(resource, row, site)),
        next_page_token: last ? writePageToken(last as Row & { tm_create: string }) : '',
      }
    },
  })
}

function readRoute(resource: Resource, site: Site): ServerRoute {
  return described({
    ...oneRow(resource, 'GET', ''),
    ...{ summary: `Read one ${resource.type}`, forAgents: resource.forAgents === true },
    async handler(request) {
      const row = await store.read(site.database.manager, resource, scopeOf(resource, request), idOf(request))
      return present(resource, row, site)
    },
  })
}

function createRoute(resource: Resource, site: Site, schema: Joi.ObjectSchema): ServerRoute {
  return described({
    ...{ method: 'POST', path: pathOf(resource), tag: resource.plural, payload: bodyPayload },
    ...{ summary: `Make one ${resource.type}`, body: schema, answer: resource.schema.read, status: 201 },
    async handler(request, h) {
      const principal = principalOf(request)
      scopeOf(resource, request)
      const { customer_id, ...body } = await readBody(request, schema)
      const row = await store.create(site, resource, ownerOf(resource, principal, customer_id), body)
      return h.response(present(resource, row, site)).code(201)
    },
  })
}

function updateRoute(resource: Resource, site: Site, schema: Joi.ObjectSchema): ServerRoute {
  return described({
    ...oneRow(resource, 'PUT', ''),
    ...{ summary: `Change one ${resource.type}: give the fields that change`, body: schema, payload: bodyPayload },
    async handler(request) {
      const scope = scopeOf(resource, request)
      const what = { scope, id: idOf(request), body: await readBody(request, schema) }
      return present(resource, await store.update(site, resource, what), site)
    },
  })
}

function partRoute(resource: Resource, site: Site, name: string, part: Part<Row>): ServerRoute {
  const { summary, body, forAgents = false } = part
  return described({
    ...oneRow(resource, 'PUT', `/${name}`),
    ...{ summary, body, forAgents, payload: bodyPayload },
    async handler(request) {
      const scope = scopeOf(resource, request)
      const what = { scope, id: idOf(request), body: await readBody(request, body) }
      return present(resource, await store.update(site, resource, what, part), site)
    },
  })
}

function viewRoute(resource: Resource, site: Site, name: string, view: View<Row>): ServerRoute {
  const { summary, answer, query, forAgents = false } = view
  return described({
    ...{ ...oneRow(resource, 'GET', `/${name}`), summary, answer, ...(query && { query }) },
    forAgents,
    async handler(request) {
      const scope = scopeOf(resource, request, view.concerns !== undefined)
      const row = await store.read(site.database.manager, resource, scope, idOf(request))
      const agentId = agentOf(principalOf(request))
      if (agentId !== undefined && (await view.concerns?.(row, agentId, site)) === false) throw store.notFound(resource)
      return view.read(row, site, request.query)
    },
  })
}

function deleteRoute(resource: Resource, site: Site): ServerRoute {
  return described({
    ...oneRow(resource, 'DELETE', ''),
    summary: `Delete one ${resource.type}, and what belongs to it`,
    async handler(request) {
      const row = await store.remove(site, resource, scopeOf(resource, request), idOf(request))
      return present(resource, row, site, now())
    },
  })
}

function dismissRoute(resource: Resource, site: Site): ServerRoute {
  return described({
    ...{ ...oneRow(resource, 'DELETE', ''), summary: `Remove one ${resource.type}: it ends, and can still be read` },
    async handler(request) {
      const read = () => store.read(site.database.manager, resource, scopeOf(resource, request), idOf(request))
      await resource.dismiss!(await read(), site)
      return present(resource, await read(), site)
    },
  })
}

function regenerateRoute(resource: Resource, site: Site): ServerRoute {
  return described({
    ...oneRow(resource, 'POST', '/direct-hash-regenerate'),
    ...{ summary: 'Give it a new direct address, or its first; the old one is dead at once', payload: bodyPayload },
    async handler(request) {
      await readBody(request, undefined)
      const row = await store.regenerateDirect(site, resource, scopeOf(resource, request), idOf(request))
      return present(resource, row, site)
    },
  })
}

function fileRoute(resource: Resource, site: Site, file: NonNullable<Resource['file']>): ServerRoute {
  return described({
    ...{ ...oneRow(resource, 'GET', '/file'), summary: file.summary, contentType: file.type },
    async handler(request, h) {
      const scope = scopeOf(resource, request)
      const row = await store.read(site.database.manager, resource, scope, idOf(request))
      const { body, bytes } = await file.read(row, site)
      // With its length hapi serves ranges of it too (RFC 9110, 14), and a file never changes under its id.
      const response = h.response(body).type(file.type).etag(row.id)
      if (bytes !== undefined) response.bytes(bytes)
      return response.header('content-disposition', `attachment; filename="${row.id}.${file.extension}"`)
    },
  })
}

function commandRoute(resource: Resource, site: Site, name: string, command: Command<Row>): ServerRoute {
  const { method, summary, body } = command
  return described({
    ...oneRow(resource, method, `/${name}`),
    ...{ summary, payload: bodyPayload, ...(body && { body }) },
    async handler(request) {
      const scope = scopeOf(resource, request)
      const read = () => store.read(site.database.manager, resource, scope, idOf(request))
      const given = await readBody(request, body)
      const once = await command.run(await read(), given, site)
      return present(resource, Object.assign(await read(), once), site)
    },
  })
}

export function oneRow<Method>(resource: Resource, method: Method, more: string) {
  const path = `${pathOf(resource)}/{id}${more}`
  const params = parentParams(resource)?.concat(idParams) ?? idParams
  return { method, path, tag: resource.plural, params, answer: resource.schema.read }
}

export function idOf(request: Request): string {
  return (request.params as { id: string }).id
}

/** Which rows this caller may have to do with; 403 where there can be none, and 404 where it is another than an agent's own. */
export function scopeOf(resource: Resource, request: Request, isAnyRow = false): store.Scope {
  const { access = 'customer', under, operatorId } = resource
  const principal = principalOf(request)
  const agentId = agentOf(principal)
  if (agentId !== undefined && agentId !== idOf(request) && !isAnyRow) throw store.notFound(resource)
  if (principal.operator && access === 'customer') {
    const how = 'the admin key has none of these: use an access key of a customer (POST /v1.0/accesskeys makes one)'
    throw new HashdialError('PERMISSION_DENIED', 'PERMISSION_DENIED', how)
  }
  if (!principal.operator && access === 'operator') {
    const how = 'only the operator can do this, with the admin key'
    throw new HashdialError('PERMISSION_DENIED', 'PERMISSION_DENIED', how)
  }
  const { [under?.column ?? '']: parent } = request.params as Record<string, string>
  const within = under && parent !== undefined ? { [under.column]: parent } : {}
  const customer_id = principal.operator ? operatorId : principal.customer_id
  return customer_id === undefined ? within : { customer_id, ...within }
}

const agentOf = (principal: Principal) => (principal.operator ? undefined : principal.agent_id)

/** Whom a new row will belong to. */
function ownerOf({ access }: Resource, principal: Principal, asked: unknown): store.Scope {
  if (access === 'operator') return {}
  if (principal.operator) {
    if (typeof asked === 'string') return { customer_id: asked }
    const details = [{ field: 'customer_id', problem: 'the admin key must say whose it is to be' }]
    throw new HashdialError('INVALID_ARGUMENT', 'INVALID_ARGUMENT', 'give customer_id: whose is it to be?', details)
  }
  if (asked === undefined || asked === principal.customer_id) return { customer_id: principal.customer_id }
  throw new HashdialError('PERMISSION_DENIED', 'PERMISSION_DENIED', 'customer_id is not yours: leave it out')
}
