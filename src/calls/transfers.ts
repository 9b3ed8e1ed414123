import type { Directory } from './directory.ts'
import type { Endpoint } from './endpoint.ts'
import { resolveDestination, type ResolvedDestination } from './party.ts'

/**
 * Where a device may send its caller, by the user part of an address, which is all that ARI tells of a Refer-To (Kamailio
 * lets only addresses of ours through). It has the rights of its extension: the customer's extensions, direct addresses,
 * and numbers if it is `outbound`. Whoever is no extension of the customer's may send nobody anywhere.
 */
export async function resolveTransfer(
  directory: Directory,
  customerId: string,
  by: Endpoint,
  user: string,
): Promise<ResolvedDestination | undefined> {
  const extension = await findExtension(directory, customerId, by)
  if (!extension) return undefined
  const find = async (destination: Parameters<typeof resolveDestination>[2]) => {
    const found = await resolveDestination(directory, customerId, destination)
    return 'endpoint' in found ? found : undefined
  }
  if (user.startsWith('direct.')) return find({ type: 'sip', target: `sip:${user}@sip.${directory.baseDomain}` })
  const found = await find({ type: 'extension', target_name: user })
  const number = /^(?:\+|00)([1-9]\d{1,14})$/.exec(user)?.[1]
  if (found || number === undefined || !extension.outbound) return found
  return find({ type: 'tel', target: `+${number}` })
}

/** The extension of the customer that a leg goes to. */
async function findExtension(
  { database }: Directory,
  customerId: string,
  { endpoint }: Endpoint,
): Promise<{ outbound: number } | undefined> {
  const [, username, domain] = /^PJSIP\/hashdial\/sip:([^@;]+)@([^;]+)$/.exec(endpoint) ?? []
  if (username === undefined) return undefined
  const rows: { outbound: number }[] = await database.query(
    'SELECT outbound FROM extensions WHERE username = ? AND domain_name = ? AND customer_id = ?',
    [username, domain, customerId],
  )
  return rows[0]
}
