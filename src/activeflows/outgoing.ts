import { randomUUID } from 'node:crypto'
import { IsNull } from 'typeorm'
import type { AriNode } from '../ari/connection.ts'
import { Call, callEnded, type Exchange } from '../calls/call.ts'
import { idOf } from '../id.ts'
import { inTime, storedTooLate } from '../database/write-behind.ts'
import { ringOut, type Leg } from '../calls/originate.ts'
import { identityOf } from '../calls/party.ts'
import { outgoingRow } from '../calls/row.ts'
import { newTrail } from '../calls/stamp.ts'
import type { Switchboard } from '../calls/switchboard.ts'
import { now } from '../database.ts'
import { HashdialError } from '../errors.ts'
import { activeflowEntries, createActiveflow, type ActiveflowRow } from './activeflow.ts'
import { Groupcall, type GroupcallRow, type GroupcallState } from './groupcall.ts'
import { planOf, type Order, type Plan } from './order.ts'
import { runActiveflow } from './run.ts'

/** The calls that we make. */
export class Outgoing {
  readonly #switchboard: Switchboard
  /** Those that have not ended. */
  readonly #groups = new Map<string, Groupcall>()

  constructor(switchboard: Switchboard) {
    this.#switchboard = switchboard
  }

  /**
   * Makes a call, or a groupcall where there are several destinations. Resolves when they are in MySQL, to the id of it;
   * rejects with a HashdialError when the order cannot be carried out.
   */
  async order(exchange: Exchange, order: Order): Promise<{ call_id: string; groupcall_id: string | null }> {
    const place = order.place ?? randomUUID()
    const groupcall_id = order.group || order.destinations.length > 1 ? idOf(`groupcall-${place}`) : null
    const call_id = idOf(groupcall_id ? `${groupcall_id}-0` : `call-${place}`)
    const made = order.place && (this.#groups.has(groupcall_id ?? '') || (await this.#isKnown(exchange, call_id)))
    if (made) return { call_id, groupcall_id }
    const { customer_id, master_call_id = null } = order
    if (master_call_id !== null && !this.#switchboard.isLive(master_call_id))
      throw new HashdialError(
        'FAILED_PRECONDITION',
        'CALL_ALREADY_HANGUP',
        'the call that it should end with has ended',
      )
    const node = order.node ?? this.#switchboard.leastBusy()
    const plan = await planOf(exchange, order)
    const atOnce = order.ring_method === 'linear' ? 1 : order.destinations.length
    exchange.limits.check(customer_id, atOnce, plan.limits)
    exchange.limits.takeRate(customer_id, atOnce)
    if (groupcall_id) {
      const row = groupcallRow(groupcall_id, node, order, plan)
      await this.#beginGroup(new Groupcall(row, node, exchange, this.#switchboard))
    } else {
      const addresses = { source: plan.source.address, destination: plan.parties[0]!.address }
      const row = { id: call_id, customer_id, master_call_id, ...addresses }
      const state = stateOf(order, plan)
      await this.#begin(new Call(outgoingRow(node.name, row), node, exchange), state, state.legs[0]!)
    }
    return { call_id, groupcall_id }
  }

  /** Carries on an outgoing call from where it is, to its end. Never rejects. */
  async run(call: Call, flow: ActiveflowRow, leg?: Leg): Promise<void> {
    const answered = ringOut(call, leg).then(() => this.#claim(call))
    const giveUp = async (error: unknown) => {
      if (error === callEnded) return
      call.log.warn({ err: error as Error }, 'a call could not be made')
      await call.hangup('failed').catch(() => undefined)
    }
    const ringing = answered.then(() => true, giveUp)
    if (flow.state.early || (await ringing)) await runActiveflow(call, flow)
    else await call.exchange.errands.end(call, flow)
  }

  /** Ends a groupcall on a user's behalf. */
  hangup({ id, node }: Pick<GroupcallRow, 'id' | 'node'>): void {
    const found = this.#groups.get(id)
    if (found) return found.hangup()
    this.#switchboard.checkHere(node)
    throw new HashdialError('FAILED_PRECONDITION', 'GROUPCALL_ALREADY_HANGUP', 'the groupcall has ended already')
  }

  /** Knows the groupcalls of a process that died before its calls go on; what it answers makes them go on. */
  async adopt(node: AriNode, exchange: Exchange): Promise<() => void> {
    const before = new Set(this.#groups.keys())
    const repository = exchange.database.getRepository<GroupcallRow>('groupcalls')
    const rows = await repository.findBy({ node: node.name, tm_hangup: IsNull() })
    const lost = rows.filter(({ id }) => !before.has(id) && !this.#groups.has(id))
    const groups = lost.map((row) => new Groupcall(row, node, exchange, this.#switchboard))
    for (const found of groups) this.#groups.set(found.row.id, found)
    return () => groups.forEach((found) => this.#runGroup(found))
  }

  /** Who answers when somebody else has already is not wanted any more. */
  async #claim(call: Call): Promise<void> {
    const found = this.#groups.get(call.row.groupcall_id ?? '')
    if (!found || found.claim(call)) return
    await call.drop()
    throw callEnded
  }

  async #begin(
    call: Call,
    { actions, flow, early, variables, trail = newTrail }: GroupcallState,
    leg: Leg,
  ): Promise<Call> {
    const { errands } = call.exchange
    call.trail = trail
    call.exchange.limits.count(call)
    const activeflow = createActiveflow(call, actions, flow)
    Object.assign(activeflow.state, {
      variables: { ...variables, ...activeflow.state.variables },
      ...(early && { early }),
    })
    const { writes } = call.exchange
    const entries = [...call.entries(), ...activeflowEntries(call.exchange, activeflow)]
    const stored = store(writes.store(entries)).then(() => void (call.stored = true))
    const failed = () => {
      call.end('local', 'failed')
      return errands.end(call, activeflow)
    }
    // Before it is in MySQL, where a reconciliation would take it for one of a process that died.
    this.#switchboard.add(
      call,
      stored.then(() => this.run(call, activeflow, leg), failed),
    )
    const { master_call_id: master } = call.row
    if (master !== null && !this.#switchboard.isLive(master)) await call.drop()
    await stored
    return call
  }

  async #beginGroup(found: Groupcall): Promise<void> {
    this.#groups.set(found.row.id, found)
    try {
      await store(found.save('created'))
      await this.#member(found, 0)
    } catch (error) {
      found.hangup()
      throw error
    } finally {
      this.#runGroup(found)
    }
  }

  #runGroup(found: Groupcall): void {
    const { id } = found.row
    void found
      .run((_, index) => this.#member(found, index))
      .catch((err: unknown) => found.exchange.log.warn({ err: err as Error, groupcall: id }, 'it did not end well'))
      .finally(() => this.#groups.delete(id))
  }

  async #member(found: Groupcall, index: number): Promise<Call | undefined> {
    const { row, node, exchange } = found
    const id = found.callId(index)
    const live = this.#switchboard.get(id)
    if (live) return live
    if (!found.wanted || (await this.#isKnown(exchange, id))) return undefined
    const { customer_id, master_call_id, source, state } = row
    exchange.limits.check(customer_id, 1)
    const kin = { customer_id, master_call_id, groupcall_id: row.id, source }
    const call = outgoingRow(node.name, { id, ...kin, destination: row.destinations[index]! })
    return this.#begin(new Call(call, node, exchange), state, state.legs[index]!)
  }

  async #isKnown({ database }: Exchange, callId: string): Promise<boolean> {
    if (this.#switchboard.has(callId)) return true
    const rows: object[] = await database.query('SELECT id FROM calls WHERE id = ?', [callId])
    return rows.length > 0
  }
}

function groupcallRow(id: string, node: AriNode, order: Order, plan: Plan): GroupcallRow {
  const { customer_id, flow_id = null, master_call_id = null, ring_method = 'ring_all' } = order
  return {
    ...{ id, customer_id, flow_id, master_call_id, answer_call_id: null, node: node.name, source: plan.source.address },
    ...{ destinations: plan.parties.map(({ address }) => address), ring_method, status: 'dialing' },
    ...{ hangup_by: '', hangup_reason: '', state: stateOf(order, plan) },
    ...{ tm_progressing: null, tm_hangup: null, tm_create: now(), tm_update: null },
  }
}

function stateOf(order: Order, { source, parties, actions, flow }: Plan): GroupcallState {
  const { anonymous, early_execution: early = false, variables = {}, trail = newTrail } = order
  const identity = identityOf(source, anonymous)
  const legs = parties.map(({ address: _address, outward: _outward, ...leg }) => ({ ...leg, identity }))
  return { legs, actions, flow, early, variables, trail }
}

/** Nobody is called whom a crash would make us forget. */
async function store(saved: Promise<void>): Promise<void> {
  if (!(await inTime(saved))) throw storedTooLate()
}
