import type { AriNode } from '../ari/connection.ts'
import type { Call } from '../calls/call.ts'
import type { Destination } from '../calls/party.ts'
import type { PartKind } from '../calls/parts.ts'
import { In } from 'typeorm'
import { livesOn, type KeptRun } from '../calls/run.ts'
import type { DataSource } from '../database.ts'
import { HashdialError } from '../errors.ts'
import { idOf } from '../id.ts'
import type { Logger } from '../log.ts'
import { CallElsewhere } from '../nodes/elsewhere.ts'
import { mend } from './checker.ts'
import { Callbacks, type CallbacksHouse } from './callbacks.ts'
import { flowAfter, newRow, type JoinOptions } from './entry.ts'
import { Matching } from './matching.ts'
import { end, enter, onDuty, type Store } from './queuecall.ts'
import type { RingHouse } from './ring.ts'
import type { EndReason, QueuecallRow, QueueRow } from './row.ts'
import { latestIn } from './state.ts'
import { waitSteps } from './wait-steps.ts'
import { Visit, type VisitHouse } from './visit.ts'
import type { RunBeside } from './wait-sound.ts'

/** What queues need of the house around them. */
export interface QueuesHouse extends RingHouse, Pick<VisitHouse, 'sounds' | 'recordings'> {
  readonly store: Store
  readonly log: Logger
  readonly runBeside: RunBeside
  readonly liveCalls: CallbacksHouse['liveCalls']
  readonly originate: CallbacksHouse['originate']
}

/** The callers who wait at the Asterisks of this process, and those who find them an agent. */
export class Queues implements PartKind {
  readonly #visits = new Map<string, Visit>()
  readonly #matching: Matching
  readonly #callbacks: Callbacks

  constructor(readonly house: QueuesHouse) {
    this.#callbacks = new Callbacks({ ...house, changed: (queueId) => this.#matching.wake(queueId) })
    this.#matching = new Matching({
      ...{ store: house.store, log: house.log },
      queues: () => this.#waitedIn(),
      offered: ({ queuecall, agentIds }) => this.#offer(queuecall, agentIds),
      latest: () => latestIn(house.store.database, this.#waitedIn()),
      lookForOffers: () => this.#lookForOffers(this.#quiet()),
      look: () => this.#look(),
    })
  }

  /** Resolves to why the caller is out of the queue, and the flow that is to follow. Throws where there is no such queue. */
  async join(run: KeptRun, options: JoinOptions): Promise<{ reason: EndReason; flow_id: string | null }> {
    const id = options.queuecall_id ?? idOf(`queuecall-${run.id}`)
    const known = run.recovered || options.queuecall_id ? await this.#rows.findOneBy({ id }) : null
    const queue = await this.#find(run.call.row.customer_id, known?.queue_id ?? options.queue_id)
    if (options.queuecall_id && !(await this.#isBack(run, known, queue))) return { reason: 'failed', flow_id: null }
    const row = known ?? newRow(run, queue, id, options)
    run.variables['hashdial.queuecall.id'] = row.id
    const refused = known ? undefined : await this.#enter(run, row, queue)
    // Who was sent to somebody else talks on, though no agent serves them any more.
    const isIn = row.tm_end === null || 'transfer' in run.memory
    const reason = refused ?? (isIn ? await this.#visit(run, row, queue) : row.end_reason)
    run.variables['hashdial.queuecall.status'] = reason
    return { reason, flow_id: flowAfter(queue, reason) }
  }

  /** An agent of this customer may be free for somebody who waits; without one, anybody's. */
  wake(customerId?: string): void {
    const own = [...this.#visits.values()].filter(({ queue }) => [queue.customer_id, undefined].includes(customerId))
    for (const id of new Set(own.map(({ queue }) => queue.id))) this.#matching.wake(id)
  }

  /** Sends a caller out of the queue, also while they talk. Throws where another process carries them. */
  async kick(row: QueuecallRow): Promise<void> {
    if (row.callback && row.tm_end === null) return this.#callbacks.drop(row, 'kicked')
    this.#visitOf(row).tell({ what: 'kicked' })
  }

  /** A caller who waits is told that they will be called back, and their flow goes on. */
  async promiseCallback(row: QueuecallRow, wanted?: Destination): Promise<void> {
    const late = new HashdialError('FAILED_PRECONDITION', 'CALLBACK_TOO_LATE', 'the caller does not wait any more')
    if (row.tm_end === null && (row.status !== 'waiting' || row.callback)) throw late
    const visit = this.#visitOf(row)
    const place = await this.#callbacks.placeOf(visit.run.call, wanted)
    if (visit.isRinging) throw late
    visit.tell({ what: 'callback', place })
  }

  /** Throws where another process carries them, or nobody does. */
  #visitOf({ id, node, tm_end }: QueuecallRow): Visit {
    const visit = this.#visits.get(id)
    if (visit) return visit
    if (tm_end === null) throw new CallElsewhere(node)
    throw new HashdialError('FAILED_PRECONDITION', 'QUEUECALL_ENDED', 'the caller is in the queue no more')
  }

  drain(): Promise<void> {
    return Promise.resolve(this.#matching.stop())
  }

  async adopt(node: AriNode, callOf: (id: string) => Call | undefined): Promise<void> {
    const { house } = this
    this.#matching.start()
    const open = await this.#rows.find({ where: { node: node.name, status: 'connecting' } })
    for (const row of open)
      if (row.callback && callOf(row.reference_id)) this.#callbacks.watch(row, callOf(row.reference_id))
    const isLive = ({ id, reference_id }: QueuecallRow) => this.#visits.has(id) || callOf(reference_id) !== undefined
    const mended = await mend(house.store, node.name, isLive)
    if (mended === 0) return
    house.log.info({ node: node.name, mended }, 'queues and their agents agree again')
    this.wake()
  }

  get #database(): DataSource {
    return this.house.store.database
  }

  /** By name: the entities are declared in resources/. */
  get #rows() {
    return this.#database.getRepository<QueuecallRow>('queuecalls')
  }

  async #find(customer_id: string, id: string): Promise<QueueRow> {
    const queue = await this.#database.getRepository<QueueRow>('queues').findOneBy({ id, customer_id })
    if (queue) return queue
    throw new HashdialError('NOT_FOUND', 'QUEUE_NOT_FOUND', `you have no queue ${id}`)
  }

  async #enter({ call }: KeptRun, row: QueuecallRow, queue: QueueRow): Promise<EndReason | undefined> {
    const source = await this.#callbacks.sourceOf(call)
    return enter(this.house.store, row, queue, source)
  }

  /** Is this the call to somebody who was promised it, and do they confirm? */
  async #isBack(run: KeptRun, row: QueuecallRow | null, queue: QueueRow): Promise<boolean> {
    if (row?.reference_id !== run.call.id) return false
    if (row.callback === null) return true
    return row.tm_end === null && this.#callbacks.isConfirmed(run, row, queue)
  }

  async #visit(run: KeptRun, row: QueuecallRow, queue: QueueRow): Promise<EndReason> {
    const { store, log } = this.house
    const visit = new Visit(
      {
        ...this.house,
        waitSteps: (of) => waitSteps(this.#database, of),
        callbackPlace: (call) => this.#callbacks.placeOf(call),
        changed: (queueId) => this.#matching.wake(queueId),
      },
      ...([run, row, queue] as const),
    )
    this.#visits.set(row.id, visit)
    this.#matching.start()
    this.#matching.wake(queue.id)
    let reason: EndReason = 'hangup'
    try {
      return (reason = await visit.untilOut())
    } finally {
      if (this.#visits.get(row.id) === visit) this.#visits.delete(row.id)
      if (reason !== 'callback' && !livesOn(run)) {
        await end(store, row, reason, queue).catch((err: unknown) =>
          log.warn({ err: err as Error, queuecall: row.id }, 'the end of a wait is not stored; it is looked for again'),
        )
        if (queue.wrap_up > 0) this.#matching.wakeAfter(queue.wrap_up)
        this.wake(queue.customer_id)
      }
    }
  }

  #offer(row: QueuecallRow, agentIds: readonly string[]): void {
    if (row.callback) return this.#callbacks.begin(row)
    const visit = this.#visits.get(row.id)
    if (!visit || visit.isRinging) return // another process carries them, and looks for itself
    Object.assign(visit.row, { status: row.status, offers: row.offers })
    visit.tell({ what: 'offered', agentIds, number: row.offers })
  }

  /** What nobody has told: offers that another process has made, and that nobody is on duty any more. */
  async #look(): Promise<void> {
    await this.#callbacks.look()
    await this.#renew()
    const quiet = this.#quiet()
    await this.#lookForOffers(quiet)
    await this.#lookForEmpty(quiet)
  }

  /** Who is not being offered, as far as this process knows. */
  #quiet(): Visit[] {
    return [...this.#visits.values()].filter((visit) => !visit.isRinging)
  }

  #waitedIn(): string[] {
    return [...new Set([...[...this.#visits.values()].map(({ queue }) => queue.id), ...this.#callbacks.queues])]
  }

  async #lookForOffers(quiet: readonly Visit[]): Promise<void> {
    if (quiet.length === 0) return
    const rows: { queuecall_id: string; agent_id: string; number: number }[] = await this.#database.query(
      `SELECT queuecall_id, agent_id, number FROM queue_offers WHERE result = '' AND queuecall_id IN (?)`,
      [quiet.map(({ row }) => row.id)],
    )
    for (const { row } of quiet) {
      const own = rows.filter(({ queuecall_id, number }) => queuecall_id === row.id && number > 0)
      const offers = own[0]?.number ?? 0
      const agentIds = own.map(({ agent_id }) => agent_id)
      if (agentIds.length > 0) this.#offer({ ...row, status: 'connecting', offers }, agentIds)
    }
  }

  /** Queues as they are now; who waits in one that was deleted goes on with their flow. */
  async #renew(): Promise<void> {
    const ids = new Set([...this.#visits.values()].map(({ queue }) => queue.id))
    if (ids.size === 0) return
    const rows = await this.#database.getRepository<QueueRow>('queues').findBy({ id: In([...ids]) })
    const queues = new Map(rows.map((row) => [row.id, row]))
    for (const visit of this.#visits.values()) {
      const queue = queues.get(visit.queue.id)
      if (queue) visit.queue = queue
      else if (ids.has(visit.queue.id) && !visit.isRinging) visit.tell({ what: 'kicked' })
    }
  }

  async #lookForEmpty(quiet: readonly Visit[]): Promise<void> {
    const queues = new Map(quiet.map(({ queue }) => [queue.id, queue]))
    for (const queue of queues.values()) {
      if (!queue.leave_when_empty || (await onDuty(this.#database.manager, queue)) > 0) continue
      for (const visit of quiet) if (visit.queue.id === queue.id) visit.tell({ what: 'empty' })
    }
  }
}
