import Joi from 'joi'
import type { DataSource } from '../database.ts'
import { directUri } from '../directs/direct.ts'
import type { Directory } from './directory.ts'
import { destination, resolveDestination, targets } from './party.ts'
import type { Destination, Problem, ResolvedDestination } from './party.ts'

/** Whom `connect` and a groupcall ring: at an address, an agent (by its id) at all of its addresses, or a conference. */
export type Callee = Destination | Meeting | { type: 'agent'; target: string; target_name?: string }

/** A conference, by its id. It answers at once. */
export type Meeting = { type: 'conference'; target: string; target_name?: string }

export type RingMethod = 'ring_all' | 'linear'

const rowId = Joi.string().guid({ separator: '-', wrapper: false }).lowercase()

const knownById = ['agent', 'conference']

export const callee = destination.keys({
  type: Joi.valid('extension', 'sip', 'tel', ...knownById).required(),
  target: Joi.when('type', { switch: [...targets, { is: Joi.valid(...knownById), then: rowId.required() }] }),
}) as unknown as Joi.ObjectSchema<Callee>

/** As many as a list may name: agents do not make it longer. */
export const calleesMax = 20

/** Where callees are to be called. It is JSON: after a crash the same legs have to be found. */
export interface Expanded {
  destinations: ((Destination | Meeting) & { agent_id?: string })[]
  problems: Problem[]
  /** How the addresses of an agent ring, where it is the only callee. */
  ringMethod?: RingMethod
}

/** Puts the addresses of agents in the place of agents. One that is away is called too: only its queues leave it alone. */
export async function expandAgents(
  { database }: Pick<Directory, 'database'>,
  customerId: string,
  callees: readonly Callee[],
): Promise<Expanded> {
  const ids = callees.flatMap(({ type, target = '' }) => (type === 'agent' ? [target] : []))
  if (ids.length === 0) return { destinations: callees as Expanded['destinations'], problems: [] }
  const agents = await findAgents(database, customerId, ids)
  const problems: Problem[] = []
  const destinations = callees.flatMap((one): Expanded['destinations'] => {
    if (one.type !== 'agent') return [one]
    const agent = agents.find(({ id }) => id === one.target)
    const addresses = agent?.status === 'offline' ? [] : (agent?.addresses ?? [])
    if (!agent) problems.push({ problem: `you have no agent ${one.target}`, allowed: true })
    else if (addresses.length === 0) problems.push(unreachable(agent))
    return addresses.map((address) => ({ ...address, agent_id: one.target }))
  })
  const only = callees.length === 1 ? agents[0] : undefined
  return { destinations: destinations.slice(0, calleesMax), problems, ...(only && { ringMethod: only.ring_method }) }
}

/** Resolves them all. An address of an agent that is nobody's any more is no mistake of whoever calls the agent. */
export async function resolveAll(
  directory: Directory,
  customerId: string,
  expanded: Expanded,
): Promise<{ found: ResolvedDestination[]; problems: Problem[] }> {
  const all = await Promise.all(
    expanded.destinations.map(async ({ agent_id, ...destination }) => {
      const one =
        destination.type === 'conference'
          ? await resolveMeeting(directory, customerId, destination.target)
          : await resolveDestination(directory, customerId, destination)
      return 'problem' in one && agent_id !== undefined ? { ...one, isUnreachable: true } : one
    }),
  )
  return {
    found: all.filter((one) => 'endpoint' in one),
    problems: [...expanded.problems, ...all.filter((one) => 'problem' in one)],
  }
}

/** It is called at its direct address, as by anyone. */
async function resolveMeeting(
  directory: Directory,
  customerId: string,
  id: string,
): Promise<ResolvedDestination | Problem> {
  const found: { name: string; hash: string }[] = await directory.database.query(
    `SELECT c.name, d.hash FROM conferences c JOIN directs d ON d.resource_type = 'conference' AND d.resource_id = c.id
       WHERE c.id = ? AND c.customer_id = ?`,
    [id, customerId],
  )
  const [row] = found
  if (!row) return { problem: `you have no conference ${id}`, allowed: true }
  const target = directUri(row.hash, directory.baseDomain)
  const resolved = await resolveDestination(directory, customerId, { type: 'sip', target })
  if ('problem' in resolved) return resolved
  return { ...resolved, address: { type: 'conference', target: id, target_name: row.name }, outward: false }
}

interface AgentRow {
  id: string
  status: string
  ring_method: RingMethod
  addresses: Destination[]
}

async function findAgents(database: DataSource, customerId: string, ids: readonly string[]): Promise<AgentRow[]> {
  const rows: (Omit<AgentRow, 'addresses'> & { addresses: string })[] = await database.query(
    'SELECT id, status, ring_method, addresses FROM agents WHERE customer_id = ? AND id IN (?)',
    [customerId, ids],
  )
  return rows.map((row) => ({ ...row, addresses: JSON.parse(row.addresses) as Destination[] }))
}

function unreachable({ id, status }: AgentRow): Problem {
  const problem = status === 'offline' ? `the agent ${id} is offline` : `the agent ${id} has no address`
  return { problem, allowed: true, isUnreachable: true }
}
