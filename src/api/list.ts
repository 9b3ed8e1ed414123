import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm'
import { toSqlTime } from '../database.ts'
import type { Body, Resource, Row, Site } from '../resources/resource.ts'
import { oneAtATime, turn } from '../turns.ts'
import type { Place } from './paging.ts'
import { matching, select, type Scope } from './store.ts'

/** One page of a list. */
export interface Wanted {
  scope: Scope
  size: number
  after?: Place | undefined
  filter?: Body
}

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
  { scope, size, after, filter = {} }: Wanted,
): Promise<{ rows: Row[]; more: boolean }> {
  const { manager } = site.database
  const page = (query: SelectQueryBuilder<ObjectLiteral>): SelectQueryBuilder<ObjectLiteral> => {
    matching(query.select('place.id', 'id').from(resource.entity, 'place'), 'place', scope)
    resource.narrow?.(query as SelectQueryBuilder<Row>, 'place', filter)
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
