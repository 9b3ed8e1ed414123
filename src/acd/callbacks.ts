import type { KeptRun } from '../calls/run.ts'
import type { Call } from '../calls/call.ts'
import type { Directory } from '../calls/directory.ts'
import type { LiveCalls } from '../calls/live-calls.ts'
import { destination, findExtension, problemsError, resolveDestination, type Destination } from '../calls/party.ts'
import { transaction } from '../database.ts'
import { HashdialError } from '../errors.ts'
import { idOf } from '../id.ts'
import type { Logger } from '../log.ts'
import type { OriginateRequest } from '../outbound/request.ts'
import { beginMs, calledBack, claim, confirmed } from './callback.ts'
import { endCallback, lockedRow, type Store } from './queuecall.ts'
import type { CallbackPlace, QueuecallRow, QueueRow } from './row.ts'
import type { RunBeside } from './wait-sound.ts'

/** How long whoever answers may take to confirm, beginning with the answer: the prompt is said twice in it. */
const confirmMs = 20_000

/** Whom nobody could call for so long is not called any more. */
const hoursMax = 24

export interface CallbacksHouse extends Directory {
  readonly store: Store
  readonly log: Logger
  readonly liveCalls: Pick<LiveCalls, 'get' | 'leastBusy'>
  readonly runBeside: RunBeside
  /** Makes the call; the engine is above. */
  originate(request: OriginateRequest): Promise<unknown>
  /** The place of a caller is free again, or their agent. */
  changed(queueId: string): void
}

/** Callers who have been promised to be called back: whose turn it is is called, and connected when they confirm. */
export class Callbacks {
  /** Those in which somebody has the promise. */
  queues: ReadonlySet<string> = new Set()
  readonly #watched = new Set<string>()

  constructor(readonly house: CallbacksHouse) {}

  /** Finds who has the promise, also of other processes, and ends it where nobody can keep it. */
  async look(): Promise<void> {
    const { database } = this.house
    const rows: { id: string; queue_id: string; isLost: number; isLeft: number }[] = await database.query(
      `SELECT q.id, q.queue_id, queues.id IS NULL OR q.tm_enter < UTC_TIMESTAMP(6) - INTERVAL ${hoursMax} HOUR AS isLost,
         q.status = 'connecting' AND q.tm_update < UTC_TIMESTAMP(6) - INTERVAL ${beginMs / 1_000} SECOND AS isLeft
         FROM queuecalls q LEFT JOIN queues ON queues.id = q.queue_id WHERE q.node = '' AND q.tm_end IS NULL`,
    )
    this.queues = new Set(rows.map(({ queue_id }) => queue_id))
    for (const { id, queue_id, isLost, isLeft } of rows)
      if (Number(isLost) > 0) await this.drop({ id, queue_id }, 'timeout')
      else if (Number(isLeft) > 0) await this.missed({ id, queue_id }, '')
  }

  /** Nobody calls them any more. */
  drop(of: Pick<QueuecallRow, 'id' | 'queue_id'>, reason: 'timeout' | 'kicked'): Promise<void> {
    const { store } = this.house
    return transaction(store.database, async (manager) => {
      const row = await lockedRow(manager, of)
      if (row?.callback && row.tm_end === null) await endCallback(store, manager, row, reason)
    })
  }

  /** Where a caller can be called back. Throws where that is nowhere. */
  async placeOf(call: Call, wanted?: Destination): Promise<CallbackPlace> {
    const to = wanted ?? (await this.sourceOf(call))
    const { type: dialled, target: number } = call.row.destination
    const from = dialled === 'number' ? ({ type: 'tel', target: number } as const) : undefined
    if (!to) throw new HashdialError('FAILED_PRECONDITION', 'CALLBACK_NOWHERE', 'it is not known where they call from')
    const found = await resolveDestination(this.house, call.row.customer_id, to)
    if ('problem' in found) throw problemsError([found], 'destination')
    const { type, target } = found.address
    return { to: { type: type as Destination['type'], target }, ...(from && { from }) }
  }

  /** A device of the customer's is known by its registration, and a number by the trunk that it comes from. */
  async sourceOf({ row, trail }: Call): Promise<Destination | undefined> {
    const { type, target } = row.source
    const number = destination.validate({ type: 'tel', target })
    if (type === 'tel') return number.error ? undefined : number.value
    const found = target && (await findExtension(this.house.database, row.customer_id, { target_name: target }))
    return found && found.domain_name === trail.domain ? { type: 'extension', target: found.id } : undefined
  }

  /** An agent is kept for a caller: calls them, once. Where even that fails it is looked for again. */
  begin(row: QueuecallRow): void {
    this.#call(row).catch((err: unknown) => this.house.log.warn({ err: err as Error }, 'a callback was not begun'))
  }

  async #call(row: QueuecallRow): Promise<void> {
    const { house } = this
    const { id, customer_id, callback, queue_id } = row
    if (!callback) return
    const place = `callback-${id}-${callback.attempts}`
    const callId = idOf(`call-${place}`)
    try {
      const node = house.liveCalls.leastBusy()
      if (!(await claim(house.store, row, callId, node.name))) return
      const actions = [{ type: 'queue_join', option: { queue_id, queuecall_id: id } }]
      const { from: source, to } = callback
      await house.originate({ customer_id, source, destinations: [to], actions, place, node })
      this.watch(row, house.liveCalls.get(callId))
    } catch (err) {
      house.log.warn({ err: err as Error, queuecall: id }, 'a caller could not be called back')
      await this.missed(row, callId)
    }
  }

  /** When the call ends, and nobody has confirmed, the caller is tried again. */
  watch(row: QueuecallRow, call: Call | undefined): void {
    const callId = row.reference_id
    if (this.#watched.has(callId)) return
    this.#watched.add(callId)
    const over = () => this.missed(row, callId)
    void (call?.ended ?? Promise.resolve())
      .then(() => (call?.isHandedOver ? undefined : over()))
      .catch((err: unknown) => this.house.log.warn({ err: err as Error }, 'a callback is looked for again'))
      .finally(() => this.#watched.delete(callId))
  }

  /** Nobody was there, or nobody has confirmed: the agent is free, and the caller keeps the place. */
  async missed(row: Pick<QueuecallRow, 'id' | 'queue_id'>, callId: string): Promise<void> {
    await calledBack(this.house.store, row, callId)
    this.house.changed(row.queue_id)
  }

  /** Whoever has answered is who waits, and no mailbox: they press the key. */
  async isConfirmed(run: KeptRun, row: QueuecallRow, queue: QueueRow): Promise<boolean> {
    const { call, signal } = run
    const key = queue.callback_key || '1'
    const deadline = performance.now() + confirmMs
    const say = { type: 'talk', option: { text: queue.callback_prompt } }
    const pause = { type: 'sleep', option: { duration: 2_000 } }
    const steps = queue.callback_prompt === '' ? [] : [say, pause, say]
    const prompt = this.house.runBeside(call, steps, run.variables, () => Promise.resolve())
    try {
      while (!call.dtmf.take(performance.now()).includes(key)) {
        if (performance.now() >= deadline) return false
        await call.dtmf.change(signal, deadline)
      }
    } finally {
      prompt.cancel()
    }
    await prompt.done
    return confirmed(this.house.store, row, call)
  }
}
