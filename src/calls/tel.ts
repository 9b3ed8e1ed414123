import Joi from 'joi'
import type { Directory } from './directory.ts'
import type { Endpoint } from './leg.ts'

/** A number as the world dials it (E.164). */
export const telNumber = Joi.string()
  .pattern(/^\+[1-9]\d{1,14}$/)
  .messages({ 'string.pattern.base': '{{#label}} must be in E.164 form: a plus and 2 to 15 digits' })

/**
 * Where a call to a number goes: Kamailio (route HASHDIAL_TO_TRUNK) sends it by the customer's oldest trunk, and by the
 * next one when that is out of order. Undefined: he has none.
 */
export async function findTel(
  { database, baseDomain }: Pick<Directory, 'database' | 'baseDomain'>,
  customerId: string,
  number: string,
): Promise<Endpoint | undefined> {
  const trunks: object[] = await database.query('SELECT id FROM trunks WHERE customer_id = ? LIMIT 1', [customerId])
  const endpoint = `PJSIP/hashdial/sip:${number}@${customerId}.trunk.${baseDomain}`
  return trunks[0] && { endpoint, domain: `sip.${baseDomain}` }
}
