import type { DataSource } from 'typeorm'
import type { AriNode } from '../ari/connection.ts'
import { isDatabaseAway, now } from '../database.ts'
import { HashdialError } from '../errors.ts'
import type { Call } from '../calls/call.ts'
import type { PartKind } from '../calls/parts.ts'
import type { Run } from '../calls/run.ts'
import { idOf } from '../id.ts'
import { Transcription, type TranscribeRow, type TranscriptionHouse } from './transcription.ts'

export interface TranscribeOptions {
  provider: string
  /** '': the provider's own. */
  language: string
  direction: TranscribeRow['direction']
  on_end_flow_id: string | null
}

/** What is understood of calls while they last, direction by direction and utterance by utterance. */
export class Transcribes implements PartKind {
  readonly #running = new Map<string, Transcription>()

  constructor(
    readonly database: DataSource,
    readonly house: TranscriptionHouse,
  ) {}

  /** Begins one, or finds what an earlier run has begun at this place. Resolves when it listens. */
  async start({ call }: Pick<Run, 'call'>, place: string, options: TranscribeOptions): Promise<void> {
    const row = newRow(call, place, options)
    const open = await this.#open('reference_id = ?', call.id).catch(inWords)
    if (open.some(({ id }) => id !== row.id)) {
      const message = 'the call is being transcribed already: use transcribe_stop first'
      throw new HashdialError('FAILED_PRECONDITION', 'TRANSCRIBED_ALREADY', message)
    }
    const begun = this.#begin(call, row, true)
    await begun.listening.catch(async (error: unknown) => {
      // What cannot be begun is no hindrance to the next try.
      if (error instanceof HashdialError) await begun.done
      inWords(error)
    })
  }

  /** Ends those of a call. Resolves when all that was said is stored. */
  async stop(call: Call): Promise<void> {
    const running = [...this.#running.values()].filter((one) => one.call === call)
    const known = new Set(running.map(({ row }) => row.id))
    const rows = await this.#open('reference_id = ?', call.id).catch((error: unknown) => {
      if (isDatabaseAway(error)) return []
      throw error
    })
    // One of an earlier process, which nobody has carried on yet.
    for (const row of rows) if (!known.has(row.id)) running.push(this.#begin(call, row, false))
    for (const one of running) one.end()
    await Promise.all(running.map(({ done }) => done))
  }

  /** Ends one that is deleted. */
  drop(id: string): void {
    this.#running.get(id)?.drop()
  }

  /** Carries on what an earlier process has begun, and closes what ended while nobody listened. */
  async adopt(node: AriNode, callOf: (id: string) => Call | undefined): Promise<void> {
    // What began or ended while the query ran is ours too.
    const before = new Set(this.#running.keys())
    for (const row of await this.#open('node = ?', node.name)) {
      if (before.has(row.id) || this.#running.has(row.id)) continue
      const call = callOf(row.reference_id)
      if (call && !call.hasEnded) this.#begin(call, row, false)
      else await this.house.store.end(node, 'transcribes', row, 'done')
    }
  }

  /** What is being said counts as said, before this process ends. */
  async drain(): Promise<void> {
    await Promise.all([...this.#running.values()].map((one) => one.flush()))
  }

  #begin(call: Call, row: TranscribeRow, isNew: boolean): Transcription {
    const known = this.#running.get(row.id)
    if (known) return known
    const transcription = new Transcription(this.house, call, row, isNew)
    this.#running.set(row.id, transcription)
    transcription.listening.catch(() => undefined) // `start` tells it, and `done` logs it
    void transcription.done.finally(() => this.#running.delete(row.id))
    return transcription
  }

  #open(where: string, value: string): Promise<TranscribeRow[]> {
    return this.database.query(`SELECT * FROM transcribes WHERE tm_end IS NULL AND ${where}`, [value])
  }
}

function newRow(call: Call, place: string, options: TranscribeOptions): TranscribeRow {
  const { customer_id, activeflow_id } = call.row
  return {
    ...{ id: idOf(place), customer_id, activeflow_id, reference_type: 'call', reference_id: call.id },
    ...{ ...options, status: 'progressing', node: call.node.name, place },
    ...{ tm_end: null, tm_create: now(), tm_update: null },
  }
}

/** A caller is worth more than his transcript: the flow goes on without the database. */
function inWords(error: unknown): never {
  if (!isDatabaseAway(error)) throw error
  throw new HashdialError('UNAVAILABLE', 'DATABASE_AWAY', 'the database is away, and nothing can be stored')
}
