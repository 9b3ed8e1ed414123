import type { EntityManager } from '../database.ts'
import type { Body } from './resource.ts'
import { mustBeRight } from './wrong.ts'

/** What may be named by its id in a flow or in another resource, and its table. */
const tables = {
  ...{ flow: 'flows', conference: 'conferences', queue: 'queues', agent: 'agents', ai: 'ais', team: 'teams' },
} as const

export type ReferenceType = keyof typeof tables

export interface Reference {
  /** Where it is named. */
  field: string
  type: ReferenceType
  id: string
}

/** What is wrong with those that name something which this customer has not. */
export async function referenceProblems(
  manager: EntityManager,
  customerId: string,
  references: readonly Reference[],
): Promise<{ field: string; problem: string }[]> {
  const problems: { field: string; problem: string }[] = []
  for (const [type, table] of Object.entries(tables)) {
    const named = references.filter((reference) => reference.type === type)
    if (named.length === 0) continue
    const rows: { id: string }[] = await manager.query(`SELECT id FROM ${table} WHERE customer_id = ? AND id IN (?)`, [
      customerId,
      [...new Set(named.map(({ id }) => id))],
    ])
    const known = new Set(rows.map(({ id }) => id))
    const missing = named.filter(({ id }) => !known.has(id))
    problems.push(...missing.map(({ field }) => ({ field, problem: `you have no ${type} with this id` })))
  }
  return problems
}

/** Throws where one of these fields names something which this customer has not. */
export async function checkReferences(
  body: Body,
  { customer_id, manager }: { customer_id: string; manager: EntityManager },
  references: readonly Reference[],
): Promise<Body> {
  mustBeRight(await referenceProblems(manager, customer_id, references))
  return body
}

/** The references in the fields of a body, where it has them. */
export function referencesIn(body: Body, type: ReferenceType, ...fields: string[]): Reference[] {
  return fields.flatMap((field): Reference[] => {
    const id = body[field]
    return typeof id === 'string' ? [{ field, type, id }] : []
  })
}
