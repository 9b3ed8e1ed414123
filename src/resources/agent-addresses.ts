import Joi from 'joi'
import { destination, findExtension, type Destination } from '../calls/party.ts'
import type { Address } from '../calls/row.ts'
import { wrongAddress } from '../calls/sip-address.ts'
import type { EntityManager } from '../database.ts'
import { HashdialError } from '../errors.ts'
import { address } from './order.ts'

// As GET shows it: what has no name has an empty one.
const given = destination.keys({ target_name: Joi.string().allow('').max(255) })

export const givenAddresses = Joi.array()
  .items(given)
  .max(10)
  .description(
    'Where it is called: an extension by `target` (its id) or `target_name` (its username), a SIP URI, a number.',
  )
  .example([{ type: 'extension', target_name: 'office1' }])

export const shownAddresses = Joi.array().items(address).required().description('Where it is called.')

/** The addresses as they are stored. Throws where one is nobody's, or not for this customer to call; `name` is that of their field. */
export async function checkedAddresses(
  list: readonly (Omit<Destination, 'type'> & { type: string })[],
  { customer_id, manager, baseDomain }: { customer_id: string; manager: EntityManager; baseDomain: string },
  name = 'addresses',
): Promise<Address[]> {
  const details: { field: string; problem: string }[] = []
  const found: Address[] = []
  for (const [index, { type, target = '', target_name = '' }] of list.entries()) {
    const row = type === 'extension' ? await findExtension(manager, customer_id, { target, target_name }) : undefined
    const problem =
      type === 'sip'
        ? wrongAddress(target, customer_id, baseDomain)
        : type === 'extension' && !row
          ? `you have no extension ${target || target_name}`
          : undefined
    if (problem) details.push({ field: `${name}.${index}.${target ? 'target' : 'target_name'}`, problem })
    found.push(row ? { type, target: row.id, target_name: row.username } : { type, target, target_name })
  }
  if (details.length === 0) return found
  const told = [...new Set(details.map(({ problem }) => problem))].join('; ')
  throw new HashdialError('INVALID_ARGUMENT', 'INVALID_ARGUMENT', `${name}: ${told}`, details)
}
