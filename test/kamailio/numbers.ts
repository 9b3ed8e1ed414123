import { createHash, randomInt, randomUUID } from 'node:crypto'
import { parseNetwork } from '../../src/registrar/network.ts'
import type { SipMessage } from '../support/sip.ts'
import { base, incoming, type Edge } from './edge.ts'

/** A number of this customer, which leads to a flow unless that is not wanted. */
export async function makeNumber(edge: Edge, customer: string, flow = true): Promise<{ id: string; number: string }> {
  const [id, flowId, number] = [randomUUID(), randomUUID(), `+99${randomInt(1e9, 1e10)}`]
  if (flow) await edge.rows(`INSERT INTO flows VALUES (?, ?, '', '', '[]', NULL, NOW(6), NULL)`, flowId, customer)
  const row = [id, customer, number, flow ? flowId : null]
  await edge.rows(`INSERT INTO numbers VALUES (?, ?, '', '', ?, ?, NOW(6), NULL)`, ...row)
  return { id, number }
}

interface TrunkValues {
  network?: string
  username?: string
  password?: string
  domain?: string
}

export async function makeTrunk(edge: Edge, customer: string, values: TrunkValues): Promise<void> {
  const { network, username = '', password, domain = 'nowhere.invalid' } = values
  const id = randomUUID()
  await edge.rows(`INSERT INTO trunks VALUES (?, ?, '', '', ?, '', ?, NOW(6), NULL)`, id, customer, domain, username)
  if (network !== undefined) {
    const { first_address, last_address } = parseNetwork(network)!
    const row = [id, first_address, last_address, network, customer]
    await edge.rows('INSERT INTO trunk_addresses VALUES (?, ?, ?, ?, ?)', ...row)
  }
  if (password !== undefined) {
    const ha1 = createHash('md5').update(`${username}:${base}:${password}`).digest('hex')
    await edge.rows('INSERT INTO trunk_accounts VALUES (?, ?, ?, ?, ?)', id, customer, username, base, ha1)
  }
}

/** What Asterisk gets of a call, which it refuses. */
export async function arrives(edge: Edge, call: () => Promise<SipMessage>): Promise<SipMessage> {
  const since = edge.asterisk.received.length
  const answered = call()
  const invite = await incoming(edge.asterisk, 'INVITE', since)
  edge.asterisk.reply(invite, '603 Decline')
  if ((await answered).status !== 603) throw new Error('the answer does not reach the caller')
  return invite
}
