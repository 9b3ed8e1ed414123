import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { isDatabaseAway, now } from '../database.ts'
import { HashdialError } from '../errors.ts'
import type { SttEvent } from '../voice/speech.ts'
import type { Voice } from '../voice/voice.ts'
import type { Call } from '../calls/call.ts'
import { GapFiller } from './gap-filler.ts'
import type { PartRow, PartStore } from '../calls/parts.ts'
import type { Media } from '../voice/media.ts'
import type { WriteBehind } from '../database/write-behind.ts'
import { openMediaChannel } from './media-channel.ts'
import { closeFork, openFork, type MediaFork } from './media-fork.ts'

/** A row of `transcribes`; see sql/004-transcribes.sql. */
export interface TranscribeRow extends PartRow {
  customer_id: string
  reference_type: 'call'
  status: 'progressing' | 'done'
  provider: string
  language: string
  direction: 'both' | 'in' | 'out'
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

/** What transcriptions need of the house around them. */
export interface TranscriptionHouse {
  readonly voice: Voice
  readonly store: PartStore
  readonly writes: WriteBehind
}

/** In milliseconds: what is on its way when the call ends; how long the last words may take to be understood. */
const afterwards = 100
const lastWords = 15_000
/** Until the next try, when the fork or the database is away. */
const retry = 1_000
/** The longest text of one utterance, in characters. */
const longest = 10_000

type Fork = MediaFork & { readonly spy: 'in' | 'out' }

/**
 * One transcribe while this process carries it: an audio sink for each direction, which stays when Asterisk goes away
 * and comes back, and a fork of the sound for each, which is made again then.
 */
export class Transcription {
  readonly #end = new AbortController()
  readonly #deaf = new AbortController()
  readonly #forks: readonly Fork[]
  readonly #lines = new Map<Fork, GapFiller>()
  readonly #storing = new Set<Promise<void>>()
  /** Resolves when it hears every direction. Rejects when it cannot: with a HashdialError where a user can mend it. */
  readonly listening: Promise<void>
  /** Resolves when all that was said is stored, and nothing of it is left. */
  readonly done: Promise<void>

  /** `isNew`: it is begun, and not carried on. */
  constructor(
    readonly house: TranscriptionHouse,
    readonly call: Call,
    readonly row: TranscribeRow,
    readonly isNew: boolean,
  ) {
    const { place, direction: asked } = row
    const directions = asked === 'both' ? (['in', 'out'] as const) : [asked]
    this.#forks = directions.map((direction) => ({ kind: `transcribe_${direction}`, place, spy: direction }))
    void call.ended.then(() => delay(afterwards)).then(() => this.end())
    const hearing = this.#open().then(() => this.#forks.map((fork) => this.#hear(fork)))
    this.listening = hearing.then(async (forks) => void (await Promise.all(forks.map(({ opened }) => opened))))
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
    const stt = this.house.voice.stt(provider)
    const options = { language: language || undefined, owner: this.row.customer_id, signal: this.#deaf.signal }
    for (const fork of this.#forks) {
      let since = 0
      const sink = await stt.listen((event) => this.#heard(fork, since, event), options)
      since = Date.now() - Date.parse(this.call.row.tm_progressing ?? this.call.row.tm_create)
      this.#lines.set(fork, new GapFiller(sink))
    }
    if (this.isNew) await this.house.store.begin('transcribes', this.row)
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
    await Promise.all(this.#forks.map((fork) => closeFork(this.call.node, fork)))
    const late = setTimeout(() => this.#deaf.abort(), lastWords)
    await this.flush()
    clearTimeout(late)
    this.#deaf.abort()
    if (!this.call.isHandedOver) await this.#close()
  }

  /** Keeps a fork until the end. */
  #hear(fork: Fork): { opened: Promise<void>; over: Promise<void> } {
    let ready: () => void = () => undefined
    const first = new Promise<void>((resolve) => (ready = resolve))
    const over = this.#keep(fork, ready)
    return { opened: Promise.race([first, over]), over }
  }

  async #keep(fork: Fork, ready: () => void): Promise<void> {
    const { call, isNew } = this
    const line = this.#lines.get(fork)
    for (let was = !isNew; line && !this.#end.signal.aborted; was = true) {
      try {
        const media = await this.#tap(fork, line)
        ready()
        await Promise.race([media.closed, aborted(this.#end.signal)])
        media.close()
      } catch (error) {
        if (!was && !call.interrupted) throw error
        if (!call.interrupted && !call.hangingUp)
          this.#warn(error, 'a transcribe does not hear the call; it is tried again')
      }
      await Promise.race([call.resumed(), aborted(this.#end.signal)])
      await Promise.race([delay(retry), aborted(this.#end.signal)])
    }
  }

  /** The sound of one direction as it comes, over a WebSocket, which is what brings the far channel into Stasis. */
  async #tap(fork: Fork, line: GapFiller): Promise<Media> {
    const { call } = this
    let media: Media | undefined
    try {
      await openFork({ call, signal: call.signal, recovered: false }, fork, async (id) => {
        media = await openMediaChannel(call.node, id, (sound) => line.write(sound), this.#deaf.signal)
      })
      return media!
    } catch (error) {
      media?.close()
      throw error
    }
  }

  #heard(fork: Fork, since: number, event: SttEvent): void {
    if (event.type === 'error') this.#warn(event.error, 'an utterance was not understood')
    if (event.type !== 'final' || event.text === '') return
    const { id: transcribe_id, customer_id } = this.row
    const row: TranscriptRow = {
      ...{ id: randomUUID(), customer_id, transcribe_id, direction: fork.spy },
      message: event.text.slice(0, longest),
      offset_ms: Math.max(0, Math.round(since + event.start_ms)),
      tm_create: now(),
    }
    const { writes, store } = this.house
    const stored = writes
      .store(
        [
          ['transcripts', row],
          ['events', store.eventOf('transcript', 'created', row)],
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
        return await this.house.store.end(call.node, 'transcribes', row, 'done')
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
