import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { isDatabaseAway, now } from '../database.ts'
import { HashdialError } from '../errors.ts'
import type { SttEvent } from '../voice/speech.ts'
import type { Call } from './call.ts'
import { Line } from './line.ts'
import { storePart } from './parts.ts'
import { tapCall, untapCall, type Tap } from './tap.ts'

/** A row of `transcribes`; see sql/004-transcribes.sql. */
export interface TranscribeRow {
  id: string
  customer_id: string
  activeflow_id: string
  reference_type: 'call'
  reference_id: string
  on_end_flow_id: string | null
  status: 'progressing' | 'done'
  provider: string
  language: string
  direction: 'both' | 'in' | 'out'
  node: string
  place: string
  tm_end: string | null
  tm_create: string
  tm_update: string | null
}

/** A row of `transcripts`. */
export interface TranscriptRow {
  id: string
  customer_id: string
  transcribe_id: string
  direction: 'in' | 'out'
  message: string
  offset_ms: number
  tm_create: string
}

export const transcriptColumns = [
  ...['id', 'customer_id', 'transcribe_id', 'direction', 'message', 'offset_ms', 'tm_create'],
] as const

/** In milliseconds: what is on its way when the call ends; how long the last words may take to be understood. */
const afterwards = 100
const lastWords = 15_000
/** Until the next try, when the tap or the database is away. */
const retry = 1_000
/** The longest text of one utterance, in characters. */
const longest = 10_000

/**
 * One transcribe while this process carries it: an ear for each direction, which stays when Asterisk goes away and comes
 * back, and a tap for each, which is made again then.
 */
export class Transcription {
  readonly #end = new AbortController()
  readonly #deaf = new AbortController()
  readonly #taps: readonly Tap[]
  readonly #lines = new Map<Tap, Line>()
  readonly #storing = new Set<Promise<void>>()
  /** Resolves when it hears every direction. Rejects when it cannot: with a HashdialError where a user can mend it. */
  readonly listening: Promise<void>
  /** Resolves when all that was said is stored, and nothing of it is left. */
  readonly done: Promise<void>

  /** `isNew`: it is begun, and not carried on. */
  constructor(
    readonly call: Call,
    readonly row: TranscribeRow,
    readonly isNew: boolean,
  ) {
    const { place, direction: asked } = row
    const directions = asked === 'both' ? (['in', 'out'] as const) : [asked]
    this.#taps = directions.map((direction) => ({ kind: `transcribe_${direction}`, place, direction }))
    void call.over.then(() => delay(afterwards)).then(() => this.end())
    const hearing = this.#open().then(() => this.#taps.map((tap) => this.#hear(tap)))
    this.listening = hearing.then(async (taps) => void (await Promise.all(taps.map(({ tapped }) => tapped))))
    this.done = this.#run(hearing)
  }

  end(): void {
    this.#end.abort()
  }

  /** Ends it without storing any more: its row is being deleted. */
  drop(): void {
    this.#deaf.abort()
    this.end()
  }

  /** What is being said counts as said. */
  async flush(): Promise<void> {
    const closed = Promise.all([...this.#lines.values()].map((line) => line.close()))
    await Promise.race([closed, aborted(this.#deaf.signal)])
    await Promise.all(this.#storing)
  }

  async #open(): Promise<void> {
    if (this.#end.signal.aborted) return
    const { provider, language } = this.row
    const stt = this.call.exchange.sounds.voice.stt(provider)
    const options = { language: language || undefined, owner: this.row.customer_id, signal: this.#deaf.signal }
    for (const tap of this.#taps) {
      let since = 0
      const ear = await stt.listen((event) => this.#heard(tap, since, event), options)
      since = Date.now() - Date.parse(this.call.row.tm_progressing ?? this.call.row.tm_create)
      this.#lines.set(tap, new Line(ear))
    }
    if (this.isNew) await storePart(this.call.exchange, 'transcribes', this.row)
  }

  async #run(hearing: Promise<{ over: Promise<void> }[]>): Promise<void> {
    try {
      await this.listening
      await Promise.all((await hearing).map(({ over }) => over))
    } catch (error) {
      // Of a new one the action tells what is wrong.
      if (!this.isNew) this.#warn(error, 'a transcribe could not go on')
    }
    this.end()
    await Promise.all((await hearing.catch(() => [])).map(({ over }) => over.catch(() => undefined)))
    await Promise.all(this.#taps.map((tap) => untapCall(this.call.node, tap)))
    const late = setTimeout(() => this.#deaf.abort(), lastWords)
    await this.flush()
    clearTimeout(late)
    this.#deaf.abort()
    await this.#close()
  }

  /** Keeps a tap until the end. */
  #hear(tap: Tap): { tapped: Promise<void>; over: Promise<void> } {
    let ready: () => void = () => undefined
    const first = new Promise<void>((resolve) => (ready = resolve))
    const over = this.#keep(tap, ready)
    return { tapped: Promise.race([first, over]), over }
  }

  async #keep(tap: Tap, ready: () => void): Promise<void> {
    const { call, isNew } = this
    const line = this.#lines.get(tap)
    for (let was = !isNew; line && !this.#end.signal.aborted; was = true) {
      try {
        const media = await tapCall(call, tap, (sound) => line.write(sound), this.#deaf.signal)
        ready()
        await Promise.race([media.closed, aborted(this.#end.signal)])
        media.close()
      } catch (error) {
        if (!was && !call.interrupted) throw error
        if (!call.interrupted && !call.ending)
          this.#warn(error, 'a transcribe does not hear the call; it is tried again')
      }
      await Promise.race([call.resumed(), aborted(this.#end.signal)])
      await Promise.race([delay(retry), aborted(this.#end.signal)])
    }
  }

  #heard(tap: Tap, since: number, event: SttEvent): void {
    if (event.type === 'error') this.#warn(event.error, 'an utterance was not understood')
    if (event.type !== 'final' || event.text === '') return
    const { id: transcribe_id, customer_id } = this.row
    const row: TranscriptRow = {
      ...{ id: randomUUID(), customer_id, transcribe_id, direction: tap.direction },
      message: event.text.slice(0, longest),
      offset_ms: Math.max(0, Math.round(since + event.start_ms)),
      tm_create: now(),
    }
    const { writes, eventOf } = this.call.exchange
    const stored = writes
      .store(
        [
          ['transcripts', row],
          ['events', eventOf('transcript', 'created', row)],
        ],
        'soon',
      )
      .catch((error: unknown) => this.#warn(error, 'an utterance could not be stored'))
      .finally(() => this.#storing.delete(stored))
    this.#storing.add(stored)
  }

  async #close(): Promise<void> {
    const { call, row } = this
    for (;;) {
      try {
        return await call.exchange.errands.endPart(call, 'transcribes', row, 'done')
      } catch (error) {
        if (!isDatabaseAway(error)) return this.#warn(error, 'the end of a transcribe could not be recorded')
        await delay(retry)
      }
    }
  }

  /** What a speech server says may have what the caller has said in it: its message is not logged. */
  #warn(error: unknown, what: string): void {
    const why = error instanceof HashdialError ? { problem: error.reason } : { err: error as Error }
    this.call.log.warn({ ...why, transcribe: this.row.id }, what)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
