import type { Call } from '../calls/call.ts'
import type { Transfers } from '../calls/leg.ts'
import type { Limits } from '../calls/limits.ts'
import { CallRun, livesOn, type KeptRun, type Run, type StepLike } from '../calls/run.ts'
import { transfersOf, wasTransferred } from '../calls/transfers.ts'
import { now } from '../database.ts'
import type { Recordings } from '../media/recordings.ts'
import type { Sounds } from '../media/sounds.ts'
import { promise } from './callback.ts'
import { end, openOffers, requeue, serve, type Store } from './queuecall.ts'
import { addressesOf, resultOf, ringAgents, type RingHouse, type Ringing } from './ring.ts'
import type { CallbackPlace, EndReason, OfferResult, QueuecallRow, QueueRow } from './row.ts'
import { WaitSound, type RunBeside } from './wait-sound.ts'
import { Waiter, type News } from './waiter.ts'
import { whisper } from './whisper.ts'

export interface VisitHouse extends RingHouse {
  readonly sounds: Sounds
  readonly recordings: Pick<Recordings, 'start' | 'stop'>
  readonly store: Store
  readonly limits: Limits
  readonly runBeside: RunBeside
  /** What is said to who waits; asked before each round. */
  waitSteps(visit: Visit): Promise<readonly StepLike[]>
  /** Where a caller can be called back; rejects where that is nowhere. */
  callbackPlace(call: Call): Promise<CallbackPlace>
  /** A caller waits on, or an agent is free. */
  changed(queueId: string): void
}

/** The time of one caller in a queue: they wait, are offered, talk. */
export class Visit {
  readonly #waiter: Waiter
  readonly #sound: WaitSound
  readonly #off: () => void
  #ringing: { run: CallRun; agentIds: readonly string[]; begun: number } | undefined
  #deadline: number
  /** The latest that has rung. */
  #offers = 0
  #isRecorded = false
  announced = -Infinity
  /** They talk, and MySQL does not know it yet. */
  #unstored: string | undefined

  constructor(
    readonly house: VisitHouse,
    readonly run: KeptRun,
    readonly row: QueuecallRow,
    /** As it is now: it may be changed while they wait. */
    public queue: QueueRow,
  ) {
    this.#waiter = new Waiter(row, run)
    this.#sound = new WaitSound(run.call, house.runBeside, run.variables)
    this.#off = run.call.dtmf.on((key) => void (key === this.queue.callback_key && this.#askedBack()))
    this.#deadline = this.#waitDeadline()
  }

  get isRinging(): boolean {
    return this.#ringing !== undefined
  }

  tell(news: News): void {
    this.#waiter.tell(news)
  }

  /** Resolves to why they are out. Throws the run's reason when that comes first. */
  async untilOut(): Promise<EndReason> {
    const { house, run, row } = this
    try {
      if (row.status === 'waiting') this.#startSound()
      else await this.#resume()
      for (;;) {
        const reason = await this.#after(await this.#waiter.next(this.#deadline))
        if (reason !== undefined) return reason
      }
    } finally {
      this.#waiter.close()
      this.#off()
      if (!livesOn(run)) this.#ringing?.run.cancel()
      this.#sound.stop()
      if (!livesOn(run)) await this.#sound.stopMusic()
      if (this.#isRecorded && !run.call.hasEnded && !livesOn(run)) await house.recordings.stop(run.call)
      if (this.#unstored !== undefined) await serve(house.store, row, this.#unstored, this.queue)
    }
  }

  #startSound(): void {
    this.#sound.start(() => this.house.waitSteps(this))
  }

  async #after(news: News): Promise<EndReason | undefined> {
    switch (news.what) {
      case 'offered':
        if (!this.#ringing && news.number > this.#offers) await this.#offered(news.agentIds)
        return undefined
      case 'answered':
        return this.#answered(news.agentId)
      case 'rung':
        if (news.talked) return 'serviced'
        return this.#missed(news.status)
      case 'kicked':
        return 'kicked'
      case 'callback':
        return this.#promise(news.place)
      case 'empty':
        return this.#ringing ? undefined : 'empty'
      case 'late':
        return 'timeout'
    }
  }

  async #offered(agentIds: readonly string[]): Promise<void> {
    const { house, row, run } = this
    this.#offers = row.offers
    this.#sound.hush()
    const addresses = await addressesOf(house, row.customer_id, agentIds)
    const ringing: Ringing = { number: row.offers, addresses }
    run.memory['ringing'] = ringing
    this.#ring(ringing, agentIds, run.save(), false)
  }

  /** After a crash: the same legs are looked for. */
  async #resume(): Promise<void> {
    const { row, run } = this
    const found = run.memory['ringing'] as Ringing | undefined
    if (row.status === 'connecting') this.#startSound()
    if (found?.number === row.offers) {
      const agentIds = [...new Set(found.addresses.map(({ agent_id }) => agent_id))]
      if (row.status === 'service') this.#talks()
      return this.#ring(found, agentIds, Promise.resolve(), true)
    }
    if (row.status !== 'connecting') return
    // Nobody had been rung yet.
    const agentIds = await openOffers(this.house.store, row)
    if (agentIds.length > 0) await this.#offered(agentIds)
    else await this.#missed(0)
  }

  #ring(rung: Ringing, agentIds: readonly string[], stored: Promise<void>, isAgain: boolean): void {
    const { house, queue, row, run } = this
    const { number, addresses, round = 0 } = rung
    const ringing = Object.assign(new CallRun(run.call, run.call), { recovered: isAgain })
    this.#ringing = { run: ringing, agentIds, begun: performance.now() }
    stored.catch(() => undefined) // who waits for it tells it
    ringAgents(ringing as Run, addresses, house.limits, {
      advanced: (next) => ((rung.round = next), run.save()),
      ...{ id: `queue-${run.id}-${number}`, round, ringSeconds: queue.ring_timeout / 1_000, stored },
      hadTalked: () => row.status === 'service',
      transfers: this.#transfers(),
      ...(queue.whisper !== '' && !isAgain && { beforeTalk: (leg: string) => whisper(this, leg, ringing) }),
      answered: (agentId) => this.tell({ what: 'answered', agentId }),
    }).then(
      (outcome) => this.tell({ what: 'rung', talked: outcome.talked, status: outcome.talked ? 200 : outcome.status }),
      (err: unknown) => {
        if (ringing.signal.aborted) return
        run.call.log.warn({ err: err as Error }, 'an agent could not be rung')
        this.tell({ what: 'rung', talked: false, status: 503 })
      },
    )
  }

  async #answered(agentId: string): Promise<EndReason | undefined> {
    const { house, queue, row, run } = this
    this.#talks()
    this.#sound.stop()
    if (row.status === 'service') return undefined
    try {
      if (!(await serve(house.store, row, agentId, queue))) return 'failed'
    } catch (err) {
      // Two who talk are not parted because it cannot be stored.
      run.call.log.warn({ err: err as Error }, 'that a caller of a queue is served could not be stored')
      this.#unstored = agentId
      Object.assign(row, { service_agent_id: agentId, tm_service: now() })
    }
    await this.#record().catch((err: unknown) => run.call.log.error({ err: err as Error }, 'a talk is not recorded'))
    house.changed(queue.id)
    return undefined
  }

  /** An agent who has sent the caller to somebody else serves them no more; the talk goes on. */
  #transfers(): Transfers {
    const { house, row, run } = this
    const transfers = transfersOf(run, house)
    const save = async () => {
      await transfers.save()
      if (row.tm_end !== null || !wasTransferred(transfers.state)) return
      this.#deadline = Infinity
      await end(house.store, row, 'transferred', this.queue)
      house.changed(this.queue.id)
    }
    return { ...transfers, save }
  }

  /** By the key; where they cannot be called back they wait on. */
  #askedBack(): void {
    this.house.callbackPlace(this.run.call).then(
      (place) => this.tell({ what: 'callback', place }),
      (err: unknown) => this.run.call.log.info({ err: err as Error }, 'a caller cannot be called back'),
    )
  }

  async #promise(place: CallbackPlace): Promise<EndReason | undefined> {
    const { house, queue, row, run } = this
    if (this.#ringing || !(await promise(house.store, row, place, queue))) return undefined
    this.#sound.stop()
    const steps = queue.callback_text === '' ? [] : [{ type: 'talk', option: { text: queue.callback_text } }]
    await house.runBeside(run.call, steps, run.variables, () => Promise.resolve()).done
    return 'callback'
  }

  /** What an operator has asked for; the two talk also where it cannot be. */
  async #record(): Promise<void> {
    const { house, queue, row, run } = this
    if (queue.recording !== 'auto') return
    const options = { duration: 0, end_of_silence: 0, end_of_key: '' }
    const given = { call: run.call, signal: run.signal, recovered: false }
    await house.recordings.start(given, `${run.id}-${row.offers}`, options)
    this.#isRecorded = true
  }

  /** From now on the limit is that of the talk. */
  #talks(): void {
    const { service_timeout: most } = this.queue
    this.#deadline = most === 0 ? Infinity : performance.now() + most
  }

  async #missed(status: number): Promise<undefined> {
    const { house, queue, row } = this
    const { agentIds = [], begun = 0 } = this.#ringing ?? {}
    this.#ringing = undefined
    const rang = performance.now() - begun
    const result: OfferResult = status === 0 ? 'cancelled' : resultOf(status, rang, queue.ring_timeout / 1_000)
    await requeue(house.store, row, new Map(agentIds.map((id) => [id, result])), queue)
    this.#sound.speak()
    house.changed(queue.id)
  }

  #waitDeadline(): number {
    const { wait_timeout: most } = this.queue
    return most === 0 ? Infinity : performance.now() + Date.parse(this.row.tm_enter) + most - Date.now()
  }
}
