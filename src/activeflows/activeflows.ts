import { randomUUID } from 'node:crypto'
import type { House } from '../actions/house.ts'
import type { AriNode } from '../ari/connection.ts'
import type { Call, CallFacts, CallHouse, CallRow } from '../calls/call.ts'
import type { LiveCalls } from '../calls/live-calls.ts'
import type { PartRow } from '../calls/parts.ts'
import { foundDestinations, resolveDestination, type Destination } from '../calls/party.ts'
import { CallRun, type StepLike } from '../calls/run.ts'
import { callEnded, cancelled, handedOver } from '../calls/signals.ts'
import { now, type DataSource, type EntityManager } from '../database.ts'
import { HashdialError } from '../errors.ts'
import { insertEvents } from '../events/event.ts'
import { idOf } from '../id.ts'
import type { CallFlow, FlowRequest } from '../outbound/flows.ts'
import { activeflowEntries, createActiveflow, type ActiveflowRow } from './activeflow.ts'
import { runCommand } from './command.ts'
import { CustomerTurns, follow, followComplete, pastCall } from './follow-on.ts'
import { RowKeeper } from './keeper.ts'
import { ListRun } from './run.ts'

/** How many flows after calls one customer may have, those that wait included. */
const followOnMax = 500

/**
 * The activeflows of this process: those of calls, and those that run when one of a call has ended
 * (`on_complete_flow_id`), or a recording or transcribe of it (`on_end_flow_id`).
 */
export class Activeflows {
  /** What their actions work with; it is made after this, for some of it tells this of what has ended. */
  house!: House
  /** Of live calls, by the id of the call. */
  readonly #current = new Map<string, ActiveflowRow>()
  /** Those after calls, by the id of the activeflow. */
  readonly #after = new Map<string, CallRun>()
  readonly #turns = new CustomerTurns()
  /** Activeflows whose end is not in MySQL yet. */
  readonly #ending = new Set<string>()

  constructor(
    readonly liveCalls: LiveCalls,
    readonly calls: CallHouse,
    readonly database: DataSource,
  ) {}

  /** What runs for a new call that we make. */
  create(run: CallRun<Call>, { actions, early, flow, variables }: FlowRequest): CallFlow {
    const row = createActiveflow(run.call, actions, flow)
    Object.assign(row.state, { variables: { ...variables, ...row.state.variables }, ...(early && { early }) })
    return this.flowOf(run, row)
  }

  /** `takenOver`: an earlier process had it when it died. */
  flowOf(run: CallRun<Call>, row: ActiveflowRow, takenOver = false): CallFlow {
    return {
      early: row.state.early === true,
      entries: () => activeflowEntries(this.calls, row),
      run: () => this.run(run, row, takenOver),
      end: () => this.end(run, row),
    }
  }

  /**
   * Runs an activeflow from where its cursor is until its list is done, an action ends it, or the caller hangs up; then
   * the call ends too. Never rejects.
   */
  async run(run: CallRun, flow: ActiveflowRow, takenOver = false): Promise<void> {
    const { caller } = run
    if (caller) this.#current.set(caller.id, flow)
    try {
      await new ListRun(this.house, run, flow, new RowKeeper(this.calls, run, flow, takenOver)).untilEnd()
      await caller?.hangup('normal')
    } catch (error) {
      if (error !== callEnded && error !== cancelled && error !== handedOver)
        await this.#fail(run, flow, error as Error)
    } finally {
      await this.end(run, flow)
      if (caller && this.#current.get(caller.id) === flow) this.#current.delete(caller.id)
    }
  }

  /** Runs one action beside what the call's flow does. Resolves when it is done, or heard; rejects with why it cannot be. */
  command(call: Call, step: StepLike): Promise<void> {
    return runCommand(this.house, call, step, this.#current.get(call.id)?.state.variables)
  }

  /** Sends the caller of a call to somebody else, in place of the one they talk with. Rejects with a HashdialError. */
  async transfer(call: Call, destination: Destination): Promise<void> {
    const resolved = await resolveDestination(this.house, call.row.customer_id, destination)
    const [found] = foundDestinations([resolved], 'destination')
    if (found!.outward) this.house.limits.takeRate(call.row.customer_id, 1)
    if (!call.transfers.ask(found!))
      throw new HashdialError('FAILED_PRECONDITION', 'NOT_CONNECTED', 'the caller is not connected with anybody')
  }

  /** Records the end of an activeflow together with the beginning of the one that follows it. Never rejects. */
  async end({ call, caller, signal }: Pick<CallRun, 'call' | 'caller' | 'signal'>, flow: ActiveflowRow): Promise<void> {
    if (signal.reason === handedOver) return
    const { writes } = this.calls
    const warn = (err: unknown) =>
      void call.log.warn({ err: err as Error, activeflow: flow.id }, 'an activeflow did not end well')
    this.#ending.add(flow.id)
    Object.assign(flow, { status: 'ended', tm_end: now() })
    if (caller && flow.state.on_complete_flow_id) await caller.ended
    const wanted = !this.#isFull(call, flow)
    const follower = wanted ? await followComplete(this.database, call.row, flow, randomUUID()).catch(warn) : undefined
    const rows = [flow, ...(follower ? [follower] : [])]
    for (const { id } of rows) this.#ending.add(id)
    // In one unit, before the follower does anything: a crash can neither lose it nor begin it twice.
    const entries = rows.flatMap((row) => activeflowEntries(this.calls, row))
    // That the call is over is what a recovery knows a follower by.
    if (follower && caller) entries.push(['calls', caller.row])
    void writes
      .store(entries, follower ? 'now' : 'soon')
      .then(() => follower && this.#runAfter(pastCall(call.row, call.node, this.calls.log, call.trail), follower))
      .catch(warn)
      .finally(() => rows.forEach(({ id }) => this.#ending.delete(id)))
  }

  /** Stores the beginning of the flow that follows a part of a call, in the transaction of that part's end (FollowPart). */
  async followPart(manager: EntityManager, node: AriNode, part: PartRow, variables: Record<string, string>) {
    const row = await manager.getRepository<CallRow>('calls').findOneBy({ id: part.reference_id })
    const { activeflow_id } = part
    const flows = manager.getRepository<ActiveflowRow>('activeflows')
    const flow = activeflow_id && (await flows.findOneBy({ id: activeflow_id }))
    const id = idOf(`after-${part.id}`)
    const follower = row && flow && (await follow(manager, row, flow, part.on_end_flow_id!, id, variables))
    if (!follower) return undefined
    // Before anybody else sees the row, and would take it for one of a process that died.
    this.#ending.add(id)
    await manager.insert('activeflows', follower)
    await insertEvents(manager, [this.calls.eventOf('activeflow', 'created', follower)])
    return () => {
      this.#runAfter(pastCall(row, node, this.calls.log), follower)
      this.#ending.delete(id)
    }
  }

  /** Goes on with what a process that died had begun after calls, or had not begun. */
  async recover(node: AriNode): Promise<number> {
    const before = this.#mine(node)
    const { database } = this
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
      const call = pastCall(row, node, this.calls.log)
      if (row.activeflow_id === id) await this.end(new CallRun(call), flow)
      else this.#runAfter(call, flow, true)
    }
    return lost.length
  }

  /** Ends an activeflow, and its call, on a user's behalf. One that has ended already is no mistake. */
  async stop({ id, reference_id }: Pick<ActiveflowRow, 'id' | 'reference_id'>, node?: string): Promise<void> {
    const after = this.#after.get(id)
    if (after) return after.cancel()
    await this.liveCalls.hangup(reference_id, node).catch((error: unknown) => {
      if (!(error instanceof HashdialError) || error.status === 'UNAVAILABLE') throw error
    })
  }

  /** Another process carries this Asterisk from now on. */
  handOver(node: AriNode): void {
    for (const [id, run] of this.#after)
      if (run.call.node === node) {
        run.handOver()
        this.#after.delete(id)
      }
  }

  #mine(node: AriNode): Set<string> {
    const carried = this.liveCalls.of(node).map(({ row }) => row.activeflow_id)
    return new Set([...this.#after.keys(), ...this.#ending, ...carried])
  }

  /** A customer whose flows after calls do not come to an end gets no more of them. */
  #isFull({ log }: CallFacts, { id, customer_id, state }: ActiveflowRow): boolean {
    const isFull = this.#turns.countOf(customer_id) >= followOnMax && Boolean(state.on_complete_flow_id)
    if (isFull) log.warn({ activeflow: id, customer: customer_id }, `not followed: ${followOnMax} flows run or wait`)
    return isFull
  }

  #runAfter(call: CallFacts, flow: ActiveflowRow, takenOver = false): void {
    const run = new CallRun(call)
    run.recovered = flow.state.executions > 0
    this.#after.set(flow.id, run)
    const limit = setTimeout(() => run.cancel(), this.calls.callSeconds * 1000)
    void this.#turns
      .inTurn(call.row.customer_id, () => this.run(run, flow, takenOver))
      .finally(() => {
        clearTimeout(limit)
        if (this.#after.get(flow.id) === run) this.#after.delete(flow.id)
      })
  }

  async #fail({ call, caller }: CallRun, flow: ActiveflowRow, error: Error): Promise<void> {
    call.log.error({ err: error, activeflow: flow.id }, 'an activeflow ended with an error')
    // Not 503, with which Kamailio would try the next Asterisk: what the flow has done would be done again there.
    await caller
      ?.hangup('failed', error instanceof HashdialError ? 503 : 500)
      .catch((reason: unknown) => call.log.warn({ err: reason as Error }, 'hangup failed'))
  }
}
