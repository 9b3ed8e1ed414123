import type { Directory } from './directory.ts'
import type { Endpoint } from './endpoint.ts'
import type { Transfers } from './leg.ts'
import type { Limits } from './limits.ts'
import { resolveDestination, type ResolvedDestination } from './party.ts'
import type { KeptRun } from './run.ts'

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

/** Of those that are called those that are extensions may send the caller on. What is under way is kept in the memory. */
export function transfersOf(
  run: Pick<KeptRun, 'call' | 'memory' | 'save'>,
  house: Directory & { readonly limits: Limits },
): Transfers {
  const { customer_id } = run.call.row
  const state: Transfers['state'] = run.memory['transfer'] ?? {}
  return {
    state,
    save() {
      run.memory['transfer'] = state
      return run.save()
    },
    async resolve(by, user) {
      const found = await resolveTransfer(house, customer_id, by, user)
      try {
        if (found?.outward) house.limits.takeRate(customer_id, 1)
      } catch {
        return undefined // the log has been told
      }
      return found
    },
  }
}

/** Does the caller talk with somebody to whom they were sent? */
export const wasTransferred = ({ leg, pending }: Transfers['state']): boolean =>
  pending === undefined && /-t\d+$/.test(leg ?? '')

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
