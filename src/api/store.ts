import { randomUUID } from 'node:crypto'
import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm'
import { isDuplicate, isForeignKeyMissing, now, transaction, type EntityManager } from '../database.ts'
import { issue, regenerate, revoke } from '../directs/issue.ts'
import { HashdialError } from '../errors.ts'
import { insertEvents, type EventRow } from '../events/event.ts'
import { eventOf } from '../resources/happened.ts'
import type { Body, Part, Resource, Row, Site } from '../resources/resource.ts'

/** The columns that a row must have to be seen: `{ customer_id }`, or nothing for the operator. */
export type Scope = Readonly<Record<string, string>>

/** What is listed below something that is not there is not an empty list. */
export async function mustHaveParent(site: Site, { under }: Resource, scope: Scope): Promise<void> {
  if (!under) return
  const { customer_id, [under.column]: id } = scope
  await read(site.database.manager, under.parent, customer_id === undefined ? {} : { customer_id }, id ?? '')
}

export async function read(manager: EntityManager, resource: Resource, scope: Scope, id: string): Promise<Row> {
  const row = (await matching(select(manager, resource), 'row', { ...scope, id }).getOne()) as Row | null
  if (!row) throw notFound(resource)
  await resource.complete?.([row], manager)
  return row
}

export async function create(site: Site, resource: Resource, scope: Scope, body: Body): Promise<Row> {
  if (resource.begin) {
    const id = await resource.begin(body, scope.customer_id ?? '', site)
    return read(site.database.manager, resource, scope, id)
  }
  const prepared = await prepare(site, resource, scope, body)
  const made = await change(site, resource, async (manager) => {
    const checked = await check({ manager, site }, resource, scope, prepared)
    const row = { ...checked, ...scope, id: randomUUID(), tm_create: now(), tm_update: null }
    Object.assign(row, resource.make?.(row, site))
    await manager.insert(resource.entity, row)
    await resource.created?.({ row, body, manager, site })
    if (resource.direct === 'on create') await issue(manager, owner(resource, row), site)
    const stored = await read(manager, resource, {}, row.id)
    await insertEvents(manager, [eventOf(resource, 'created', stored, site)])
    const once = (resource.once ?? []).map((field) => [field, (row as Body)[field]])
    return Object.assign(stored, Object.fromEntries(once)) as Row
  })
  resource.stored?.(made, site)
  return made
}

export async function update(
  site: Site,
  resource: Resource,
  { scope, id, body }: { scope: Scope; id: string; body: Body },
  { happened = 'updated', changes }: Pick<Part<Row>, 'happened' | 'changes'> = {},
): Promise<Row> {
  const prepared = await prepare(site, resource, scope, body)
  const updated = await change(site, resource, async (manager) => {
    const checked = await check({ manager, site }, resource, scope, prepared)
    if (changes) await touch(manager, resource, scope, id, {})
    const changed = changes ? changes(await read(manager, resource, scope, id), checked) : checked
    await touch(manager, resource, scope, id, changed)
    if (resource.updated) {
      const row = await read(manager, resource, scope, id)
      await resource.updated({ row, body, manager, site })
    }
    const row = await read(manager, resource, scope, id)
    await insertEvents(manager, [eventOf(resource, happened, row, site)])
    return row
  })
  resource.stored?.(updated, site)
  return updated
}

export async function remove(site: Site, resource: Resource, scope: Scope, id: string): Promise<Row> {
  return change(site, resource, async (manager) => {
    await touch(manager, resource, scope, id, {})
    const row = await read(manager, resource, scope, id)
    if (resource.direct) await revoke(manager, { type: resource.type, id })
    await resource.removed?.(row, site)
    await manager.delete(resource.entity, { id })
    await insertEvents(manager, [eventOf(resource, 'deleted', row, site)])
    return row
  })
}

export async function regenerateDirect(site: Site, resource: Resource, scope: Scope, id: string): Promise<Row> {
  return change(site, resource, async (manager) => {
    await touch(manager, resource, scope, id, {})
    const row = await read(manager, resource, scope, id)
    await regenerate(manager, owner(resource, row), site)
    const renewed = await read(manager, resource, scope, id)
    await insertEvents(manager, [directRegenerated(resource, renewed, site)])
    return renewed
  })
}

/** It is about a direct address, and found by the resource whose it is. */
function directRegenerated(resource: Resource, row: Row, site: Site): EventRow {
  return { ...eventOf(resource, 'updated', row, site), type: 'direct_regenerated' }
}

type Where = { manager: EntityManager; site: Site }

async function prepare(site: Site, resource: Resource, scope: Scope, body: Body): Promise<Body> {
  const where = { customer_id: scope.customer_id ?? '', manager: site.database.manager, site }
  return resource.prepare ? resource.prepare(body, where) : body
}

async function check(where: Where, resource: Resource, scope: Scope, body: Body): Promise<Body> {
  return resource.check ? resource.check(body, { customer_id: scope.customer_id ?? '', ...where }) : body
}

export function select(manager: EntityManager, resource: Resource): SelectQueryBuilder<ObjectLiteral> {
  const query = manager.getRepository<ObjectLiteral>(resource.entity).createQueryBuilder('row')
  resource.select?.(query as SelectQueryBuilder<Row>)
  return query
}

export function matching<Q extends SelectQueryBuilder<ObjectLiteral>>(query: Q, alias: string, where: Scope): Q {
  for (const [column, value] of Object.entries(where))
    query.andWhere(`${alias}.${column} = :${column}`, { [column]: value })
  return query
}

/** Changes the row's columns that the body names, and by doing so locks the row until the transaction ends. */
async function touch(manager: EntityManager, resource: Resource, scope: Scope, id: string, body: Body): Promise<void> {
  const { columns } = manager.connection.getMetadata(resource.entity)
  const own = columns.filter((column) => !column.isVirtualProperty && column.propertyName in body)
  const changes = Object.fromEntries(own.map(({ propertyName }) => [propertyName, body[propertyName]]))
  const { affected } = await manager.update(resource.entity, { ...scope, id }, {
    ...changes,
    tm_update: now(),
  } as object)
  if (affected === 0) throw notFound(resource)
}

async function change<T>(site: Site, resource: Resource, run: (manager: EntityManager) => Promise<T>): Promise<T> {
  try {
    return await transaction(site.database, run)
  } catch (error) {
    const taken = Object.entries(resource.unique ?? {}).find(([index]) => isDuplicate(error, index))
    if (taken)
      throw new HashdialError('ALREADY_EXISTS', `${upper(resource)}_ALREADY_EXISTS`, taken[1].problem, [taken[1]])
    if (isForeignKeyMissing(error)) {
      throw new HashdialError('NOT_FOUND', 'CUSTOMER_NOT_FOUND', 'there is no customer with this customer_id')
    }
    throw error
  }
}

function owner(resource: Resource, row: object): { type: string; id: string; customer_id: string } {
  const { id, customer_id } = row as { id: string; customer_id: string }
  return { type: resource.type, id, customer_id }
}

function upper({ type }: Resource): string {
  return type.toUpperCase()
}

/** Where they are listed. */
function pathOf({ plural, under }: Resource): string {
  return under ? `/v1.0/${under.parent.plural}/{id}/${plural}` : `/v1.0/${plural}`
}

export function notFound(resource: Resource): HashdialError {
  const message = `you have no ${resource.type} with this id: GET ${pathOf(resource)} shows those that you have`
  return new HashdialError('NOT_FOUND', `${upper(resource)}_NOT_FOUND`, message)
}
