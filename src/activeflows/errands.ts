import { randomUUID } from 'node:crypto'
import type { StepLike } from '../actions/action.ts'
import type { AriNode } from '../ari/connection.ts'
import type { CallRow, Exchange } from '../calls/call.ts'
import { Errand } from '../calls/errand.ts'
import { partEvent, type PartTable } from '../calls/parts.ts'
import { newTrail, type Trail } from '../calls/stamp.ts'
import type { Switchboard } from '../calls/switchboard.ts'
import { fromSqlTime, now, toSqlTime, transaction } from '../database.ts'
import { HashdialError } from '../errors.ts'
import { insertEvents } from '../events/event.ts'
import { activeflowEntries, type ActiveflowRow } from './activeflow.ts'
import { runActiveflow } from './run.ts'
import { takeOver } from './trial.ts'

/** How many flows may follow one another. */
const longestChain = 5

/** How many flows of one customer run after calls at once, and how many there may be with those that wait for that. */
const atOnce = 50
const most = 500

/** A call, also one that is over. */
interface Ended {
  readonly row: CallRow
  /** Its channel is there still; `over` tells when that is gone. */
  readonly hasCaller?: boolean
  readonly trail?: Trail
  readonly over?: Promise<void>
  readonly node: AriNode
  readonly exchange: Exchange
}

/** Something of a call that ends by itself, and that a flow may follow. */
interface Part {
  readonly id: string
  readonly activeflow_id: string
  readonly reference_id: string
  readonly on_end_flow_id: string | null
}

/**
 * The flows that run when the one of the call has ended (`on_complete_flow_id`), or a recording or transcribe of it
 * (`on_end_flow_id`), and the end of each.
 */
export class Errands {
  readonly #switchboard: Switchboard
  /** By the id of the activeflow. */
  readonly #running = new Map<string, Errand>()
  /** How many of each customer there are, and those of them that wait. */
  readonly #customers = new Map<string, { count: number; waiting: (() => void)[] }>()
  /** Activeflows whose end is not in MySQL yet. */
  readonly #ending = new Set<string>()

  constructor(switchboard: Switchboard) {
    this.#switchboard = switchboard
  }

  /** Records the end of an activeflow together with the beginning of the one that follows it. Never rejects. */
  async end(call: Ended, flow: ActiveflowRow): Promise<void> {
    const { writes, log } = call.exchange
    const warn = (err: unknown) =>
      void log.warn({ err: err as Error, activeflow: flow.id }, 'an activeflow did not end well')
    this.#ending.add(flow.id)
    Object.assign(flow, { status: 'ended', tm_end: now() })
    if (call.hasCaller && flow.state.on_complete_flow_id) await call.over
    const follower = this.#isFull(call, flow) ? undefined : await followComplete(call, flow).catch(warn)
    const rows = [flow, ...(follower ? [follower] : [])]
    for (const { id } of rows) this.#ending.add(id)
    // In one unit, before the follower does anything: a crash can neither lose it nor begin it twice.
    const entries = rows.flatMap((row) => activeflowEntries(call.exchange, row))
    // That the call is over is what a recovery knows a follower by. The row of an errand is not the call's.
    if (follower && call.hasCaller) entries.push(['calls', call.row])
    void writes
      .store(entries, follower ? 'now' : 'soon')
      .then(() => follower && this.#run(call, follower))
      .catch(warn)
      .finally(() => rows.forEach(({ id }) => this.#ending.delete(id)))
  }

  /**
   * Records the end of a recording or a transcribe, if that has not been done, and begins the flow that follows it: in
   * one transaction, so that a crash can neither lose it nor begin it twice.
   */
  async endPart(
    { node, exchange }: Pick<Ended, 'node' | 'exchange'>,
    table: PartTable,
    part: Part,
    status: string,
  ): Promise<void> {
    const id = randomUUID()
    this.#ending.add(id)
    try {
      const begun = await transaction(exchange.database, async (manager) => {
        const time = toSqlTime(now())
        const { affectedRows }: { affectedRows: number } = await manager.query(
          `UPDATE ${table} SET status = ?, tm_end = ?, tm_update = ? WHERE id = ? AND tm_end IS NULL`,
          [status, time, time, part.id],
        )
        if (affectedRows === 0) return undefined
        const ended = { ...part, status, tm_end: fromSqlTime(time), tm_update: fromSqlTime(time) }
        await insertEvents(manager, [partEvent(exchange, table, true, ended)])
        if (!part.on_end_flow_id) return undefined
        const row = await manager.getRepository<CallRow>('calls').findOneBy({ id: part.reference_id })
        const flow = await manager.getRepository<ActiveflowRow>('activeflows').findOneBy({ id: part.activeflow_id })
        const news = { [`hashdial.${table.replace(/s$/, '')}.id`]: part.id }
        const follower = row && flow && (await follow({ row, exchange }, flow, part.on_end_flow_id, id, news))
        if (follower) {
          await manager.insert('activeflows', follower)
          await insertEvents(manager, [exchange.eventOf('activeflow', 'created', follower)])
        }
        return follower ? { row, flow: follower } : undefined
      })
      if (begun) this.#run({ row: begun.row, node, exchange }, begun.flow)
    } finally {
      this.#ending.delete(id)
    }
  }

  /** Goes on with what a process that died had begun after calls, or had not begun. */
  async recover(node: AriNode, exchange: Exchange): Promise<number> {
    const before = this.#mine(node)
    const { database } = exchange
    const found: { id: string; reference_id: string }[] = await database.query(
      `SELECT f.id, f.reference_id FROM activeflows f JOIN calls c ON c.id = f.reference_id
       WHERE f.tm_end IS NULL AND (c.tm_hangup IS NOT NULL OR f.id <> c.activeflow_id) AND c.node = ?`,
      [node.name],
    )
    // What began or ended while the query ran is ours too.
    const after = this.#mine(node)
    const lost = found.filter(({ id }) => !before.has(id) && !after.has(id))
    for (const { id, reference_id } of lost) {
      const flow = await database.getRepository<ActiveflowRow>('activeflows').findOneByOrFail({ id })
      const row = await database.getRepository<CallRow>('calls').findOneByOrFail({ id: reference_id })
      if (flow.tm_end !== null) continue
      if (row.activeflow_id === id) await this.end({ row, node, exchange }, flow)
      else this.#run({ row, node, exchange }, flow, true)
    }
    return lost.length
  }

  /** Ends an activeflow, and its call, on a user's behalf. One that has ended already is no mistake. */
  async stop({ id, reference_id }: Pick<ActiveflowRow, 'id' | 'reference_id'>, node?: string): Promise<void> {
    const errand = this.#running.get(id)
    if (errand) return errand.hangup()
    await this.#switchboard.hangup(reference_id, node).catch((error: unknown) => {
      if (!(error instanceof HashdialError) || error.status === 'UNAVAILABLE') throw error
    })
  }

  #mine(node: AriNode): Set<string> {
    const carried = this.#switchboard.of(node).map(({ row }) => row.activeflow_id)
    return new Set([...this.#running.keys(), ...this.#ending, ...carried])
  }

  /** A customer whose flows after calls do not come to an end gets no more of them. */
  #isFull({ exchange: { log } }: Ended, { id, customer_id, state }: ActiveflowRow): boolean {
    const isFull = (this.#customers.get(customer_id)?.count ?? 0) >= most && Boolean(state.on_complete_flow_id)
    if (isFull) log.warn({ activeflow: id, customer: customer_id }, `not followed: ${most} flows run or wait`)
    return isFull
  }

  #run({ row, node, exchange, trail = newTrail }: Ended, flow: ActiveflowRow, wasRunning = false): void {
    const errand = new Errand(row, node, exchange)
    errand.trail = trail
    errand.recovered = flow.state.executions > 0
    if (wasRunning) takeOver(errand)
    this.#running.set(flow.id, errand)
    void this.#inTurn(row.customer_id, () => runActiveflow(errand, flow)).finally(() => this.#running.delete(flow.id))
  }

  async #inTurn(customerId: string, run: () => Promise<void>): Promise<void> {
    const customer = this.#customers.get(customerId) ?? { count: 0, waiting: [] }
    this.#customers.set(customerId, customer)
    customer.count++
    if (customer.count > atOnce) await new Promise<void>((resolve) => customer.waiting.push(resolve))
    try {
      await run()
    } finally {
      customer.count--
      customer.waiting.shift()?.()
      if (customer.count === 0) this.#customers.delete(customerId)
    }
  }
}

/** The activeflow that follows one that has ended. */
async function followComplete(call: Ended, ended: ActiveflowRow): Promise<ActiveflowRow | undefined> {
  const { on_complete_flow_id: flowId, complete_count: count = 0 } = ended.state
  if (!flowId) return undefined
  const { hangup_by, hangup_reason } = call.row
  // What follows an errand knows it from the one before.
  const news = { 'hashdial.call.hangup_by': hangup_by, 'hashdial.call.hangup_reason': hangup_reason }
  return follow(call, ended, flowId, randomUUID(), count === 0 ? news : {})
}

/** An activeflow that follows another: it has its variables, and the news. */
async function follow(
  { row, exchange }: Pick<Ended, 'row' | 'exchange'>,
  before: ActiveflowRow,
  flowId: string,
  id: string,
  news: Record<string, string>,
): Promise<ActiveflowRow | undefined> {
  const { complete_count: count = 0, variables } = before.state
  if (count >= longestChain) return undefined
  const rows: { actions: string; on_complete_flow_id: string | null }[] = await exchange.database.query(
    'SELECT actions, on_complete_flow_id FROM flows WHERE id = ? AND customer_id = ?',
    [flowId, row.customer_id],
  )
  const [flow] = rows
  if (!flow) return undefined
  const more = {
    'hashdial.activeflow.id': id,
    'hashdial.activeflow.reference_activeflow_id': before.id,
    'hashdial.activeflow.complete_count': String(count + 1),
    ...news,
  }
  return {
    ...{ id, customer_id: row.customer_id, flow_id: flowId, reference_type: 'call', reference_id: row.id },
    status: 'running',
    state: {
      stack: [{ actions: JSON.parse(flow.actions) as StepLike[], cursor: 0 }],
      ...{ executions: 0, variables: { ...variables, ...more }, memory: {} },
      ...{ on_complete_flow_id: flow.on_complete_flow_id, complete_count: count + 1 },
      reference_activeflow_id: before.id,
    },
    ...{ executed_actions: [], tm_create: now(), tm_update: null, tm_end: null },
  }
}
