import { fromNow, now, sqlValue, toSqlTime, type EntityManager } from '../database.ts'
import { insertEvents, type EventOf } from '../events/event.ts'

/** What calls change of a row of `agents`; see sql/016-queues.sql. */
interface AgentRow {
  id: string
  customer_id: string
  status: 'available' | 'away' | 'busy' | 'ringing' | 'offline'
  status_reason: string
  next_status: '' | 'available' | 'away' | 'offline'
  next_reason: string
  queuecall_id: string | null
  missed: number
  serviced: number
  tm_status: string
  tm_idle: string
  tm_wrap_up: string | null
}

type Changes = Partial<Omit<AgentRow, 'id' | 'customer_id'>>

/** Whoever calls has the transaction: an agent is changed with the caller that it is about. */
interface Where {
  readonly manager: EntityManager
  readonly eventOf: EventOf
}

/** Offers a caller to an agent. False: it has something else to do by now. */
export async function ring({ manager, eventOf }: Where, id: string, queuecallId: string): Promise<boolean> {
  const time = toSqlTime(now())
  const { affectedRows }: { affectedRows: number } = await manager.query(
    `UPDATE agents SET status = 'ringing', status_reason = '', tm_status = ?, queuecall_id = ?
       WHERE id = ? AND status = 'available' AND queuecall_id IS NULL`,
    [time, queuecallId, id],
  )
  if (affectedRows === 0) return false
  await tell({ manager, eventOf }, id)
  return true
}

/** The agent talks with the caller that it was offered. */
export function answer(where: Where, id: string, queuecallId: string): Promise<void> {
  return change(where, id, queuecallId, () => ({ status: 'busy', status_reason: '', missed: 0 }))
}

/** The agent did not take the caller, or somebody else did. */
export function release(
  where: Where,
  id: string,
  queuecallId: string,
  { isMiss, maxMisses }: { isMiss: boolean; maxMisses: number },
): Promise<void> {
  return change(where, id, queuecallId, (agent) => {
    const missed = agent.missed + (isMiss ? 1 : 0)
    const isTooMany = isMiss && maxMisses > 0 && missed >= maxMisses
    const idle = isMiss ? { tm_idle: now() } : {}
    if (isTooMany) return { ...freed, ...idle, status: 'away', status_reason: 'missed', missed: 0 }
    return { ...afterwards(agent), ...idle, missed }
  })
}

/** The talk is over. `wrapUp`: how long the agent is left alone after it, in milliseconds. */
export function finish(where: Where, id: string, queuecallId: string, wrapUp: number): Promise<void> {
  return change(where, id, queuecallId, (agent) => {
    const serviced = agent.serviced + 1
    if (wrapUp === 0) return { ...afterwards(agent), serviced, tm_idle: now() }
    return { status: 'busy', status_reason: 'wrap_up', queuecall_id: null, serviced, tm_wrap_up: fromNow(wrapUp) }
  })
}

/** Those whose time after a call is over. Answers the customers whose agents they are. */
export async function endWrapUps(where: Where): Promise<string[]> {
  const rows: { id: string; customer_id: string }[] = await where.manager.query(
    'SELECT id, customer_id FROM agents WHERE tm_wrap_up <= UTC_TIMESTAMP(6) ORDER BY id FOR UPDATE',
  )
  for (const { id } of rows) await change(where, id, null, (agent) => ({ ...afterwards(agent), tm_idle: now() }))
  return rows.map(({ customer_id }) => customer_id)
}

/** A call that no queue has brought rings, or is talked in. What the agent was before comes back afterwards. */
export function occupy(where: Where, id: string, status: 'ringing' | 'busy'): Promise<void> {
  return change(where, id, null, (agent) => {
    if (agent.status === 'offline' || (agent.status === 'busy' && agent.tm_wrap_up === null)) return undefined
    if (agent.status === 'ringing') return status === 'busy' ? { status, status_reason: '' } : undefined
    const wasAway = agent.status === 'away'
    const next = { next_status: wasAway ? 'away' : '', next_reason: wasAway ? agent.status_reason : '' } as const
    return { ...next, status, status_reason: '', tm_wrap_up: null }
  })
}

/** Such a call is over. */
export function vacate(where: Where, id: string): Promise<void> {
  return change(where, id, null, async (agent) => {
    const isBusy = agent.status === 'ringing' || (agent.status === 'busy' && agent.tm_wrap_up === null)
    if (!isBusy || (await hasCalls(where, id))) return undefined
    return { ...afterwards(agent), ...(agent.status === 'busy' && { tm_idle: now() }) }
  })
}

async function hasCalls({ manager }: Where, id: string): Promise<boolean> {
  const rows: unknown[] = await manager.query('SELECT agent_id FROM agent_calls WHERE agent_id = ? LIMIT 1', [id])
  return rows.length > 0
}

const freed = { queuecall_id: null, next_status: '', next_reason: '', tm_wrap_up: null } as const

/** As whoever it is wanted it while the call lasted. */
function afterwards({ next_status, next_reason }: AgentRow): Changes {
  return { ...freed, status: next_status || 'available', status_reason: next_reason }
}

/** Does nothing where the agent has to do with another caller by now. */
async function change(
  where: Where,
  id: string,
  queuecallId: string | null,
  changes: (agent: AgentRow) => Changes | undefined | Promise<Changes | undefined>,
): Promise<void> {
  const rows: AgentRow[] = await where.manager.query('SELECT * FROM agents WHERE id = ? FOR UPDATE', [id])
  const [row] = rows
  if (row?.queuecall_id !== queuecallId) return
  const wanted = await changes(row)
  if (!wanted) return
  const changed: Changes = { tm_status: now(), ...wanted }
  const values = Object.entries(changed).map(([name, value]) => sqlValue(name, value))
  const sets = Object.keys(changed).map((name) => `${name} = ?`)
  await where.manager.query(`UPDATE agents SET ${sets.join(', ')} WHERE id = ?`, [...values, id])
  await tell(where, id)
}

/** By name: the entity is declared in resources/. */
async function tell({ manager, eventOf }: Where, id: string): Promise<void> {
  const row = await manager.getRepository<{ id: string }>('agents').findOneBy({ id })
  if (row) await insertEvents(manager, [eventOf('agent', 'status_updated', row)])
}
