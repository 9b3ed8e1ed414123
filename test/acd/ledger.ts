import { createConnection } from 'mysql2/promise'

interface Offer {
  queuecall_id: string
  agent_id: string
  result: string
  begun: number
  ended: number
}

interface Visit {
  id: string
  status: string
  rank: number
  entered: number
  served: number
  ended: number
}

/** All that MySQL knows of a queue when everything is over; times are in milliseconds. */
export interface Ledger {
  offers: Offer[]
  visits: Visit[]
  queue: { total_incoming_count: number; total_serviced_count: number; total_abandoned_count: number }
}

export async function readLedger(databaseUrl: string, queueId: string): Promise<Ledger> {
  const connection = await createConnection({ uri: databaseUrl, timezone: 'Z' })
  const ms = (column: string, name: string) => `ROUND(UNIX_TIMESTAMP(${column}) * 1000) AS ${name}`
  const read = async <Row>(sql: string) => (await connection.query(sql, [queueId]))[0] as Row[]
  await connection.query(`SET time_zone = '+00:00'`)
  const offers = await read<Offer>(
    `SELECT o.queuecall_id, o.agent_id, o.result, ${ms('o.tm_create', 'begun')}, ${ms('o.tm_end', 'ended')}
       FROM queue_offers o JOIN queuecalls q ON q.id = o.queuecall_id WHERE q.queue_id = ? ORDER BY o.tm_create`,
  )
  const visits = await read<Visit>(
    `SELECT id, status, ${ms('tm_rank', '`rank`')}, ${ms('tm_enter', 'entered')}, ${ms('tm_service', 'served')},
       ${ms('tm_end', 'ended')} FROM queuecalls WHERE queue_id = ? ORDER BY tm_enter`,
  )
  const [queue] = await read<Ledger['queue']>('SELECT * FROM queues WHERE id = ?')
  await connection.end()
  return {
    queue: queue!,
    offers: offers.map((offer) => ({ ...offer, begun: Number(offer.begun), ended: Number(offer.ended) })),
    visits: visits.map((visit) => ({
      ...visit,
      ...{ rank: Number(visit.rank), entered: Number(visit.entered), ended: Number(visit.ended) },
      served: visit.served === null ? Infinity : Number(visit.served),
    })),
  }
}

/** The clocks of transactions that cross: who came or went within so long may not have been seen. */
const marginMs = 50

/** Offers that were made although somebody with an earlier rank waited, whom the agent could have been offered. */
export function unfair({ offers, visits }: Ledger, delayMs: number): string[] {
  const problems: string[] = []
  for (const offer of offers) {
    const own = visits.find(({ id }) => id === offer.queuecall_id)!
    const before = visits.filter(({ rank, id }) => rank < own.rank && id !== own.id)
    for (const other of before) {
      const at = offer.begun
      if (at < other.entered + marginMs || at > Math.min(other.ended, other.served) - marginMs) continue
      const theirs = offers.filter(({ queuecall_id }) => queuecall_id === other.id)
      if (theirs.some(({ begun, ended }) => begun - marginMs <= at && at <= ended + marginMs)) continue
      const isLeftAlone = ({ agent_id, ended }: Offer) =>
        agent_id === offer.agent_id && ended - marginMs <= at && at < ended + delayMs + marginMs
      if (!theirs.some(isLeftAlone)) problems.push(`${own.id} was offered before ${other.id}, at ${at}`)
    }
  }
  return problems
}

/** Agents who had to do with two callers at once. */
export function doubles({ offers, visits }: Ledger): string[] {
  const busy = offers.map((offer) => {
    const visit = visits.find(({ id }) => id === offer.queuecall_id)!
    return { ...offer, until: offer.result === 'answered' ? visit.ended : offer.ended }
  })
  return busy.flatMap((one, index) =>
    busy
      .slice(index + 1)
      .filter((other) => other.agent_id === one.agent_id && other.begun < one.until - 1)
      .map((other) => `${one.agent_id} had ${one.queuecall_id} and ${other.queuecall_id}`),
  )
}
