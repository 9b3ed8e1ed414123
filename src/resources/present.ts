import { directUri } from '../directs/direct.ts'
import type { Body, Resource, Row, Site } from './resource.ts'

const fields = new WeakMap<Resource, string[]>()

/** The JSON of a row: the fields that the schema names, and no other column. */
export function present(
  resource: Resource,
  row: Row,
  { baseDomain }: Pick<Site, 'baseDomain'>,
  tm_delete: string | null = null,
): Body {
  const names = fields.get(resource) ?? Object.keys(resource.schema.read.describe().keys as object)
  fields.set(resource, names)
  const { direct_hash = '' } = row as { direct_hash?: string }
  const others: Body = { direct_uri: directUri(direct_hash, baseDomain), tm_delete }
  const values = names.map((name) => [name, name in others ? others[name] : (row as Row & Body)[name]] as const)
  return Object.fromEntries(values.filter(([, value]) => value !== undefined))
}
