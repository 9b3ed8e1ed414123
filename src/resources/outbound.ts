import type { Step } from '../actions/index.ts'
import { query, type DataSource } from '../database.ts'

/**
 * What a call of an extension to the world does. A carrier knows the customer by its own numbers, and takes no extension
 * for a caller: it is shown the customer's first number.
 */
export async function stepsOut(database: DataSource, customerId: string, number: string): Promise<Step[]> {
  const own = (await query(
    database,
    'SELECT number FROM numbers WHERE customer_id = ? ORDER BY tm_create, id LIMIT 1',
    [customerId],
  )) as { number: string }[]
  const destinations = [{ type: 'tel' as const, target: number }]
  const source = own[0] && { type: 'tel' as const, target: own[0].number }
  return [{ type: 'connect', option: { destinations, ...(source && { source }), relay_reason: true } }]
}
