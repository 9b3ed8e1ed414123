import { fromSqlTime } from '../database.ts'
import { event, type EventOf, type EventRow } from '../events/event.ts'
import { resources } from './index.ts'
import { present } from './present.ts'
import type { Resource, Row, Site } from './resource.ts'

const byType = new Map(resources.map((resource) => [resource.type, resource]))

/** How those below tell what happened to rows of theirs: they do not know how a resource is shown. */
export function createEventOf(baseDomain: string): EventOf {
  return (type, what, row) => eventOf(byType.get(type)!, what, row, { baseDomain })
}

/** An event is kept, sent and streamed, perhaps each second: the lists of a flow are not repeated in each of them. */
const dataBytes = 8_192
const fieldBytes = 512

/** As JSON. Where that is large, what is large in it is left out and named. */
function withinBounds(shown: object): string {
  const json = JSON.stringify(shown, inOurTime)
  if (json.length <= dataBytes) return json
  const fields = Object.entries(shown).map(
    ([name, value]) => [name, value, JSON.stringify(value)?.length ?? 0] as const,
  )
  const omitted = fields.filter(([, , bytes]) => bytes > fieldBytes).map(([name]) => name)
  const kept = fields.filter(([name]) => !omitted.includes(name)).map(([name, value]) => [name, value] as const)
  return JSON.stringify({ ...Object.fromEntries(kept), omitted }, inOurTime)
}

/** Rows that were read by plain SQL have its times. */
function inOurTime(name: string, value: unknown): unknown {
  return name.startsWith('tm_') && typeof value === 'string' && value[10] === ' ' ? fromSqlTime(value) : value
}

/** What happened to a resource. What GET has from other tables (the recordings of a call) is in it where the row has it. */
export function eventOf(resource: Resource, what: string, row: Row, site: Pick<Site, 'baseDomain'>): EventRow {
  // A row of a live call is no instance of its entity, whose getters are fields too.
  const whole = Object.assign(Object.create(resource.entity.prototype as object) as Row, row)
  const data = withinBounds(present(resource, whole, site))
  const { customer_id = row.id } = row as { customer_id?: string }
  return event({ customer_id, resource_type: resource.type, resource_id: row.id, data }, what)
}
