import { setTimeout as delay } from 'node:timers/promises'
import { AriError } from '../ari/types.ts'
import { Call, type CallFacts } from './call.ts'
import { callEnded, cancelled, handedOver, interrupted } from './signals.ts'

/** An action in a list: what is to be done and how. */
export interface StepLike {
  id?: string
  next_id?: string | null
  type: string
  option: object
}

/** Something that is done for a call, as those see it who do it. */
export interface Run<C extends CallFacts = Call> {
  readonly call: C
  /** Ends it now; its reason is one of those in signals.ts. */
  readonly signal: AbortSignal
  /** Something of it may be there already: it was begun before a crash or an interruption. */
  readonly recovered: boolean
  /** Something of it is heard: who waits for its beginning need not wait for its end. */
  readonly onHeard?: (() => void) | undefined
}

/** A run that goes on after a crash, as an action does. */
export interface KeptRun<C extends CallFacts = Call> extends Run<C> {
  /** The same in every run of it, and nothing else's: ids are made from it. */
  readonly id: string
  /** Those of the activeflow: `${name}` in a later action's options. */
  readonly variables: Record<string, string>
  /** What a run after a crash has to know; gone when it is done. */
  readonly memory: Record<string, unknown>
  /** Puts variables and memory into MySQL now; they go there in any case when it is done. */
  save(): Promise<void>
}

/** Asterisk is out of reach: what was made may live on there, and is found when it is back. */
export const isInterrupted = ({ signal }: Pick<Run, 'signal'>): boolean => signal.reason === interrupted

/** What was made is not to be removed: it lives on in Asterisk, and is found there by whoever goes on. */
export const livesOn = ({ signal }: Pick<Run, 'signal'>): boolean =>
  signal.reason === interrupted || signal.reason === handedOver

/** What a run ends with, and goes on after: a call, or the run that has begun it. */
interface Above {
  readonly signal: AbortSignal
  /** Resolves when it goes on after an interruption, or has ended. */
  resumed(): Promise<void>
}

/**
 * What can be cancelled: a list of actions for a call, a flow after one (which has nothing above it), or something that a
 * run has begun beside itself. Its signal is a new one after each interruption.
 */
export class CallRun<C extends CallFacts = CallFacts> implements Run<C>, Above {
  recovered = false
  readonly #own = new AbortController()
  #aboves: AbortSignal | undefined
  #signal = this.#own.signal

  constructor(
    readonly call: C,
    readonly above?: Above,
  ) {}

  /** The call, while it lasts and is carried here. */
  get caller(): Call | undefined {
    return this.call instanceof Call ? this.call : undefined
  }

  get signal(): AbortSignal {
    const signal = this.above?.signal
    if (signal !== this.#aboves && signal) {
      this.#aboves = signal
      this.#signal = AbortSignal.any([signal, this.#own.signal])
    }
    return this.#signal
  }

  /** Ends it, and what it has begun. The flow of a call ends with the call instead, by hanging up. */
  cancel(): void {
    this.#own.abort(cancelled)
  }

  /** Another process does it from now on. That of a call is handed over with the call. */
  handOver(): void {
    this.#own.abort(handedOver)
  }

  async resumed(): Promise<void> {
    const { signal } = this.#own
    if (signal.aborted || !this.above) return
    let off = () => undefined as void
    const ended = new Promise<void>((resolve) => {
      const end = () => resolve()
      signal.addEventListener('abort', end, { once: true })
      off = () => signal.removeEventListener('abort', end)
    })
    await Promise.race([this.above.resumed(), ended])
    off()
  }

  /** Does it, and once more after each interruption, until it is done. Throws the signal's reason when that is over. */
  async untilDone<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        // What comes now may begin something before it looks.
        if (!isInterrupted(this)) this.signal.throwIfAborted()
        return await attempt()
      } catch (error) {
        if (error instanceof AriError) await this.#hangupOnTheWay()
        if (this.#own.signal.aborted) throw this.#own.signal.reason
        if (isInterrupted(this)) {
          await this.resumed()
          this.recovered = true
        } else if (this.signal.aborted) throw this.signal.reason
        else if (this.caller?.hasEnded) throw callEnded
        else throw error
      }
    }
  }

  /**
   * Asterisk refuses what is asked of a channel that is hanging up before it tells of the hangup: waits for that news,
   * so that a caller who left is not taken for a mistake.
   */
  async #hangupOnTheWay(): Promise<void> {
    const { signal } = this
    if (this.caller && !signal.aborted) await delay(1_000, undefined, { signal }).catch(() => undefined)
  }
}
