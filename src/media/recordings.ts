import type { DataSource } from 'typeorm'
import { cleanUp, unlessGone, type AriNode } from '../ari/connection.ts'
import { Inbox } from '../ari/inbox.ts'
import { now } from '../database.ts'
import type { Logger } from '../log.ts'
import type { Call } from '../calls/call.ts'
import { idOf } from '../id.ts'
import { waitInStasis } from '../calls/in-stasis.ts'
import type { PartKind, PartRow, PartStore } from '../calls/parts.ts'
import type { Run } from '../calls/run.ts'

/** A row of `recordings`; see sql/003-recordings.sql. */
export interface RecordingRow extends PartRow {
  customer_id: string
  reference_type: 'call' | 'conference'
  status: 'recording' | 'ended' | 'failed'
  format: 'wav'
  end_of_key: string
  file: string
  tm_start: string
  tm_end: string | null
  tm_create: string
  tm_update: string | null
}

export interface RecordOptions {
  /** Seconds; 0 is no limit but the call's own. */
  duration: number
  /** Seconds of silence that end it; 0: none do. */
  end_of_silence: number
  /** Keys that end it; any or none of them. */
  end_of_key: string
  /** The flow that runs when it has ended. */
  on_end_flow_id?: string | null
}

/** How long Asterisk may take to close the file when the call is over, in milliseconds. */
const closing = 10_000

/**
 * Recordings of calls: both parties in one file. A snoop channel hears them, so a recording goes on through all actions,
 * and through a crash of ours; each that is under way is watched until its file is closed, and its row says so.
 */
export class Recordings implements PartKind {
  readonly #watched = new Map<string, Promise<void>>()

  constructor(
    readonly database: DataSource,
    readonly store: PartStore,
    readonly log: Logger,
  ) {}

  /** Begins one. Its names are made from `place`, so a run after a crash finds what the first has begun. */
  async start(run: Run, place: string, options: RecordOptions): Promise<void> {
    const { call } = run
    const row = newRow(call, place, options)
    await this.store.begin('recordings', row)
    const { channels, recordings } = call.node.ari
    const live = run.recovered && (await unlessGone(recordings.getLive({ recordingName: row.file })))
    if (!live) {
      await snoop(run, snoopOf(row))
      await channels.record({
        ...{ channelId: snoopOf(row), name: row.file, format: row.format, ifExists: 'overwrite' },
        ...{ maxDurationSeconds: options.duration, maxSilenceSeconds: options.end_of_silence },
      })
    }
    this.#watch(row, call.node, call)
  }

  /** Ends those of a call that are under way. Resolves when their files are closed; answers how many there were. */
  async stop(call: Call): Promise<number> {
    const rows = await this.#open('reference_id = ?', call.id)
    await cleanUp(rows.map(({ file }) => call.node.ari.recordings.stop({ recordingName: file })))
    for (const row of rows) this.#watch(row, call.node, call)
    for (const { id } of rows) await this.#watched.get(id)
    return rows.length
  }

  /** Watches on what an earlier process has begun, and closes what ended while nobody watched. */
  async adopt(node: AriNode, callOf: (id: string) => Call | undefined): Promise<void> {
    for (const row of await this.#open('node = ?', node.name)) this.#watch(row, node, callOf(row.reference_id))
  }

  #watch(row: RecordingRow, node: AriNode, call: Call | undefined): void {
    if (this.#watched.has(row.id)) return
    const watching = this.#untilEnd(row, node, call)
      .then(() => (call?.isHandedOver ? undefined : this.#close(row, node)))
      .catch((error: unknown) =>
        this.log.warn(
          { err: error as Error, recording: row.id },
          'a recording is out of sight; it is looked for again',
        ),
      )
      .finally(() => this.#watched.delete(row.id))
    this.#watched.set(row.id, watching)
  }

  async #untilEnd(row: RecordingRow, node: AriNode, call: Call | undefined): Promise<void> {
    while (call && !call.hasEnded) {
      try {
        return await listen(row, node, call.signal, call)
      } catch (error) {
        if (call.isHandedOver) return
        if (!call.hasEnded && !call.interrupted) throw error
        await call.resumed()
      }
    }
    // Its channel ends with the call's.
    await listen(row, node, AbortSignal.timeout(closing))
  }

  async #close(row: RecordingRow, node: AriNode): Promise<void> {
    const stored = await unlessGone(node.ari.recordings.getStored({ recordingName: row.file }))
    await this.store.end(node, 'recordings', row, stored ? 'ended' : 'failed')
    await cleanUp([node.ari.channels.hangup({ channelId: snoopOf(row) })])
  }

  #open(where: string, value: string): Promise<RecordingRow[]> {
    const sql = `SELECT * FROM recordings WHERE reference_type = 'call' AND tm_end IS NULL AND ${where}`
    return this.database.query(sql, [value])
  }
}

/** Returns when Asterisk has closed the file. Throws the signal's reason. */
async function listen(row: RecordingRow, node: AriNode, signal: AbortSignal, call?: Call): Promise<void> {
  const { recordings } = node.ari
  const inbox = new Inbox(node, signal, row.file)
  const off = call?.dtmf.on((digit) => {
    if (row.end_of_key.includes(digit)) void cleanUp([recordings.stop({ recordingName: row.file })])
  })
  try {
    if (!(await unlessGone(recordings.getLive({ recordingName: row.file })))) return
    for (;;) {
      const event = await inbox.next()
      if (event?.recording?.name === row.file && event.type !== 'RecordingStarted') return
    }
  } finally {
    off?.()
    inbox.close()
  }
}

/** The channel that hears both parties, made now or by an earlier run. */
async function snoop(run: Run, snoopId: string): Promise<void> {
  const { call } = run
  const { channels } = call.node.ari
  const app = call.node.application
  await waitInStasis(run, snoopId, () =>
    channels.snoopChannelWithId({ channelId: call.channelId, snoopId, spy: 'both', app, appArgs: 'leg' }),
  )
}

function keysOf({ end_of_key }: RecordOptions): string {
  return end_of_key === 'any' ? '0123456789ABCD*#' : end_of_key.replace('none', '')
}

function newRow(call: Call, place: string, options: RecordOptions): RecordingRow {
  const { customer_id, activeflow_id } = call.row
  return {
    ...{ id: idOf(place), customer_id, activeflow_id, reference_type: 'call', reference_id: call.id },
    ...{ on_end_flow_id: options.on_end_flow_id || null, status: 'recording', format: 'wav' },
    ...{ end_of_key: keysOf(options), node: call.node.name, file: `recording-${place}` },
    ...{ tm_start: now(), tm_end: null, tm_create: now(), tm_update: null },
  }
}

const snoopOf = ({ file }: Pick<RecordingRow, 'file'>): string => file.replace(/^recording-/, 'record-')
