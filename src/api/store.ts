import { randomUUID } from 'node:crypto'
import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm'
import { isDuplicate, isForeignKeyMissing, now, toSqlTime, transaction, type EntityManager } from '../database.ts'
import { issue, regenerate, revoke } from '../directs/issue.ts'
import { HashdialError } from '../errors.ts'
import type { Body, Resource, Row, Site } from '../resources/resource.ts'
import { oneAtATime, turn } from '../turns.ts'
import type { Place } from './paging.ts'

/** The columns that a row must have to be seen: `{ customer_id }`, or nothing for the operator. */
export type Scope = Readonly<Record<string, string>>

/** How many bytes of long columns a page has, and how many are read at once. */
const pageBytes = 1_000_000
const pieceBytes = 250_000

/**
 * One page. Its ids come from the index alone, and what is shown is joined to these few: joined first and cut off then,
 * MySQL sorts all rows of a customer whenever it takes a small table for a reason to (300 ms instead of 1 at 50,000 rows).
 * Of rows that are large there are fewer on a page.
 */
export async function list(
  site: Site,
  resource: Resource,
  scope: Scope,
  size: number,
  after?: Place,
): Promise<{ rows: Row[]; more: boolean }> {
  const { manager } = site.database
  const page = (query: SelectQueryBuilder<ObjectLiteral>): SelectQueryBuilder<ObjectLiteral> => {
    matching(query.select('place.id', 'id').from(resource.entity, 'place'), 'place', scope)
    const from = after && { tm: toSqlTime(after.tm_create), from: after.id }
    // Not (tm_create, id) < (…): MySQL does not find its place in an index with that.
    if (from) query.andWhere('place.tm_create <= :tm AND (place.tm_create < :tm OR place.id < :from)', from)
    return query
      .orderBy('place.tm_create', 'DESC')
      .addOrderBy('place.id', 'DESC')
      .limit(size + 1)
  }
  const newest = (query: SelectQueryBuilder<ObjectLiteral>): Promise<Row[]> =>
    query.orderBy('row.tm_create', 'DESC').addOrderBy('row.id', 'DESC').getMany() as Promise<Row[]>
  const long = manager.connection.getMetadata(resource.entity).columns.filter(({ type }) => type === 'mediumtext')
  const { rows, more } =
    long.length === 0
      ? cutOff(await newest(select(manager, resource).innerJoin(page, 'page', 'page.id = row.id')), size)
      : await readPieces(
          await sizesOf(page(manager.createQueryBuilder() as SelectQueryBuilder<ObjectLiteral>), long),
          size,
          scope.customer_id ?? '',
          (ids) => newest(select(manager, resource).andWhere('row.id IN (:...ids)', { ids })),
        )
  await resource.complete?.(rows, manager)
  return { rows, more }
}

function cutOff(rows: Row[], size: number): { rows: Row[]; more: boolean } {
  return { rows: rows.slice(0, size), more: rows.length > size }
}

interface Found {
  id: string
  /** Of what is long in it. */
  bytes: number
}

async function sizesOf(page: SelectQueryBuilder<ObjectLiteral>, long: { databaseName: string }[]): Promise<Found[]> {
  page.addSelect(long.map(({ databaseName }) => `LENGTH(place.${databaseName})`).join(' + '), 'bytes')
  const rows = await page.getRawMany<{ id: string; bytes: number | string }>()
  return rows.map(({ id, bytes }) => ({ id, bytes: Number(bytes) }))
}

async function readPieces(
  found: readonly Found[],
  size: number,
  owner: string,
  read: (ids: string[]) => Promise<Row[]>,
): Promise<{ rows: Row[]; more: boolean }> {
  const { pieces, count } = cut(found.slice(0, size))
  const readAll = async () => {
    const rows: Row[] = []
    for (const ids of pieces) {
      if (pieces.length > 1) await turn(owner)
      rows.push(...(await read(ids)))
    }
    return rows
  }
  // A large page is several megabytes until it is sent, and takes a connection of all.
  const rows = await (pieces.length > 1 ? oneAtATime(owner, readAll) : readAll())
  return { rows, more: found.length > count }
}

/** As many rows as a page may have, at least one, in pieces that are read one after another. */
function cut(found: readonly Found[]): { pieces: string[][]; count: number } {
  const pieces: string[][] = []
  let [count, page, piece] = [0, 0, 0]
  for (const { id, bytes } of found) {
    page += bytes
    if (count > 0 && page > pageBytes) break
    piece += bytes
    if (count === 0 || piece > pieceBytes) {
      pieces.push([])
      piece = bytes
    }
    pieces.at(-1)!.push(id)
    count++
  }
  return { pieces, count }
}

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
  return change(site, resource, async (manager) => {
    const checked = await check({ manager, site }, resource, scope, prepared)
    const row = { ...checked, ...scope, id: randomUUID(), tm_create: now(), tm_update: null }
    Object.assign(row, resource.make?.(row, site))
    await manager.insert(resource.entity, row)
    await resource.created?.({ row, body, manager, site })
    if (resource.direct === 'on create') await issue(manager, owner(resource, row), site)
    const stored = await read(manager, resource, {}, row.id)
    const once = (resource.once ?? []).map((field) => [field, (row as Body)[field]])
    return Object.assign(stored, Object.fromEntries(once)) as Row
  })
}

export async function update(site: Site, resource: Resource, scope: Scope, id: string, body: Body): Promise<Row> {
  const prepared = await prepare(site, resource, scope, body)
  return change(site, resource, async (manager) => {
    await touch(manager, resource, scope, id, await check({ manager, site }, resource, scope, prepared))
    if (resource.updated) {
      const row = await read(manager, resource, scope, id)
      await resource.updated({ row, body, manager, site })
    }
    return read(manager, resource, scope, id)
  })
}

export async function remove(site: Site, resource: Resource, scope: Scope, id: string): Promise<Row> {
  return change(site, resource, async (manager) => {
    await touch(manager, resource, scope, id, {})
    const row = await read(manager, resource, scope, id)
    if (resource.direct) await revoke(manager, { type: resource.type, id })
    await resource.removed?.(row, site)
    await manager.delete(resource.entity, { id })
    return row
  })
}

export async function regenerateDirect(site: Site, resource: Resource, scope: Scope, id: string): Promise<Row> {
  return change(site, resource, async (manager) => {
    await touch(manager, resource, scope, id, {})
    const row = await read(manager, resource, scope, id)
    await regenerate(manager, owner(resource, row), site)
    return read(manager, resource, scope, id)
  })
}

type Where = { manager: EntityManager; site: Site }

async function prepare(site: Site, resource: Resource, scope: Scope, body: Body): Promise<Body> {
  const where = { customer_id: scope.customer_id ?? '', manager: site.database.manager, site }
  return resource.prepare ? resource.prepare(body, where) : body
}

async function check(where: Where, resource: Resource, scope: Scope, body: Body): Promise<Body> {
  return resource.check ? resource.check(body, { customer_id: scope.customer_id ?? '', ...where }) : body
}

function select(manager: EntityManager, resource: Resource): SelectQueryBuilder<ObjectLiteral> {
  const query = manager.getRepository<ObjectLiteral>(resource.entity).createQueryBuilder('row')
  resource.select?.(query as SelectQueryBuilder<Row>)
  return query
}

function matching<Q extends SelectQueryBuilder<ObjectLiteral>>(query: Q, alias: string, where: Scope): Q {
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

function notFound(resource: Resource): HashdialError {
  const message = `you have no ${resource.type} with this id: GET ${pathOf(resource)} shows those that you have`
  return new HashdialError('NOT_FOUND', `${upper(resource)}_NOT_FOUND`, message)
}
