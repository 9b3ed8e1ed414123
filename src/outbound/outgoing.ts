import { randomUUID } from 'node:crypto'
import { IsNull } from 'typeorm'
import type { AriNode } from '../ari/connection.ts'
import { Call, type CallHouse } from '../calls/call.ts'
import type { Directory } from '../calls/directory.ts'
import type { Limits } from '../calls/limits.ts'
import type { LiveCalls } from '../calls/live-calls.ts'
import { callerIdOf } from '../calls/party.ts'
import { outgoingRow } from '../calls/row.ts'
import { CallRun } from '../calls/run.ts'
import { callEnded } from '../calls/signals.ts'
import { newTrail } from '../calls/stamp.ts'
import { now } from '../database.ts'
import { inTime, storedTooLate } from '../database/write-behind.ts'
import { HashdialError } from '../errors.ts'
import { idOf } from '../id.ts'
import type { CallFlow, MakeFlow } from './flows.ts'
import { Groupcall, type GroupcallRow, type GroupcallState } from './groupcall.ts'
import { originate, type Leg } from './originate.ts'
import { resolveRequest, type OriginateRequest, type ResolvedRequest } from './request.ts'

/** What calls that we make need of the house around them. */
export interface OutgoingHouse {
  readonly liveCalls: LiveCalls
  readonly calls: CallHouse
  readonly directory: Directory
  readonly limits: Limits
  readonly ringSeconds: number
  readonly makeFlow: MakeFlow
}

/** The calls that we make. */
export class Outgoing {
  readonly #house: OutgoingHouse
  /** Those that have not ended. */
  readonly #groups = new Map<string, Groupcall>()

  constructor(house: OutgoingHouse) {
    this.#house = house
  }

  /**
   * Makes a call, or a groupcall where there are several destinations. Resolves when they are in MySQL, to the id of it;
   * rejects with a HashdialError when the request cannot be carried out.
   */
  async originate(request: OriginateRequest): Promise<{ call_id: string; groupcall_id: string | null }> {
    const { liveCalls, calls, directory, limits } = this.#house
    const place = request.place ?? randomUUID()
    const groupcall_id = isGroup(request) ? idOf(`groupcall-${place}`) : null
    const call_id = idOf(groupcall_id ? `${groupcall_id}-0` : `call-${place}`)
    const made = request.place && (this.#groups.has(groupcall_id ?? '') || (await this.#isKnown(call_id)))
    if (made) return { call_id, groupcall_id }
    const { customer_id, master_call_id = null } = request
    if (master_call_id !== null && !liveCalls.isLive(master_call_id)) {
      const why = 'the call that it should end with has ended'
      throw new HashdialError('FAILED_PRECONDITION', 'CALL_ALREADY_HANGUP', why)
    }
    const node = request.node ?? liveCalls.leastBusy()
    const resolved = await resolveRequest(directory, request)
    const atOnce = resolved.ring_method === 'linear' ? 1 : resolved.parties.length
    limits.check(customer_id, atOnce, resolved.limits)
    limits.takeRate(customer_id, atOnce)
    const state = stateOf(request, resolved)
    if (groupcall_id) {
      const row = groupcallRow(groupcall_id, node, request, resolved)
      await this.#beginGroup(new Groupcall(row, node, calls, liveCalls))
    } else {
      const addresses = { source: resolved.source.address, destination: resolved.parties[0]!.address }
      const row = { id: call_id, customer_id, master_call_id, ...addresses }
      await this.#begin(new Call(outgoingRow(node.name, row), node, calls), state, state.legs[0]!)
    }
    return { call_id, groupcall_id }
  }

  /** Carries on an outgoing call from where it is, to its end. Never rejects. `leg`: it was not made by an earlier process. */
  async run(call: Call, flow: CallFlow, leg?: Leg): Promise<void> {
    const run = new CallRun(call, call)
    run.recovered = leg === undefined
    const answered = originate(run, this.#house.ringSeconds, leg).then(() => this.#claim(call))
    const giveUp = async (error: unknown) => {
      if (error === callEnded || call.isHandedOver) return
      call.log.warn({ err: error as Error }, 'a call could not be made')
      await call.hangup('failed').catch(() => undefined)
    }
    const ringing = answered.then(() => true, giveUp)
    if (flow.early || (await ringing)) await flow.run()
    else await flow.end()
  }

  /** Another process carries this Asterisk from now on. */
  handOver(node: AriNode): void {
    for (const [id, group] of this.#groups)
      if (group.node === node) {
        group.isHandedOver = true
        this.#groups.delete(id)
      }
  }

  /** Ends a groupcall on a user's behalf. */
  hangup({ id, node }: Pick<GroupcallRow, 'id' | 'node'>): void {
    const found = this.#groups.get(id)
    if (found) return found.hangup()
    this.#house.liveCalls.checkHere(node)
    throw new HashdialError('FAILED_PRECONDITION', 'GROUPCALL_ALREADY_HANGUP', 'the groupcall has ended already')
  }

  /** Knows the groupcalls of a process that died before its calls go on; what it answers makes them go on. */
  async adopt(node: AriNode): Promise<() => void> {
    const { calls, directory, liveCalls } = this.#house
    const before = new Set(this.#groups.keys())
    const repository = directory.database.getRepository<GroupcallRow>('groupcalls')
    const rows = await repository.findBy({ node: node.name, tm_hangup: IsNull() })
    const lost = rows.filter(({ id }) => !before.has(id) && !this.#groups.has(id))
    const groups = lost.map((row) => new Groupcall(row, node, calls, liveCalls))
    for (const found of groups) this.#groups.set(found.row.id, found)
    return () => groups.forEach((found) => this.#runGroup(found))
  }

  /** Who answers when somebody else has already is not wanted any more. */
  async #claim(call: Call): Promise<void> {
    const found = this.#groups.get(call.row.groupcall_id ?? '')
    if (!found || found.claim(call)) return
    await call.cancel()
    throw callEnded
  }

  async #begin(call: Call, { trail = newTrail, ...state }: GroupcallState, leg: Leg): Promise<Call> {
    const { liveCalls, limits, makeFlow } = this.#house
    call.trail = trail
    limits.count(call)
    const flow = makeFlow(new CallRun(call, call), state)
    const entries = [...call.entries(), ...flow.entries()]
    const stored = store(call.house.writes.store(entries)).then(() => void (call.stored = true))
    const failed = () => {
      call.end('local', 'failed')
      return flow.end()
    }
    // Before it is in MySQL, where a reconciliation would take it for one of a process that died.
    liveCalls.add(
      call,
      stored.then(() => this.run(call, flow, leg), failed),
    )
    const { master_call_id: master } = call.row
    if (master !== null && !liveCalls.isLive(master)) await call.cancel()
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
      .catch((err: unknown) => found.house.log.warn({ err: err as Error, groupcall: id }, 'it did not end well'))
      .finally(() => this.#groups.get(id) === found && this.#groups.delete(id))
  }

  async #member(found: Groupcall, index: number): Promise<Call | undefined> {
    const { row, node } = found
    const { calls, limits, liveCalls } = this.#house
    const id = found.callId(index)
    const live = liveCalls.get(id)
    if (live) return live
    if (!found.wanted || (await this.#isKnown(id))) return undefined
    const { customer_id, master_call_id, source, state } = row
    limits.check(customer_id, 1)
    const kin = { customer_id, master_call_id, groupcall_id: row.id, source }
    const call = outgoingRow(node.name, { id, ...kin, destination: row.destinations[index]! })
    return this.#begin(new Call(call, node, calls), state, state.legs[index]!)
  }

  async #isKnown(callId: string): Promise<boolean> {
    const { directory, liveCalls } = this.#house
    if (liveCalls.has(callId)) return true
    const rows: object[] = await directory.database.query('SELECT id FROM calls WHERE id = ?', [callId])
    return rows.length > 0
  }
}

function groupcallRow(id: string, node: AriNode, request: OriginateRequest, resolved: ResolvedRequest): GroupcallRow {
  const { customer_id, flow_id = null, master_call_id = null } = request
  const { source, parties, ring_method } = resolved
  return {
    ...{ id, customer_id, flow_id, master_call_id, answer_call_id: null, node: node.name, source: source.address },
    ...{ destinations: parties.map(({ address }) => address), ring_method, status: 'dialing' },
    ...{ hangup_by: '', hangup_reason: '', state: stateOf(request, resolved) },
    ...{ tm_progressing: null, tm_hangup: null, tm_create: now(), tm_update: null },
  }
}

function stateOf(request: OriginateRequest, { source, parties, actions, flow }: ResolvedRequest): GroupcallState {
  const { anonymous, early_execution: early = false, variables = {}, trail = newTrail } = request
  const identity = callerIdOf(source, anonymous)
  const legs = parties.map(({ address: _address, outward: _outward, ...leg }) => ({ ...leg, identity }))
  return { legs, actions, flow, early, variables, trail }
}

/** It is one also for an agent of one address: the ids of what is made must not depend on what the agent has now. */
function isGroup({ group, destinations }: OriginateRequest): boolean {
  return group === true || destinations.length > 1 || destinations.some(({ type }) => type === 'agent')
}

/** Nobody is called whom a crash would make us forget. */
async function store(saved: Promise<void>): Promise<void> {
  if (!(await inTime(saved))) throw storedTooLate()
}
