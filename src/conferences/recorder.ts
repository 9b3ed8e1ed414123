import { randomUUID } from 'node:crypto'
import { cleanUp, unlessGone, type AriNode } from '../ari/connection.ts'
import { Inbox } from '../ari/inbox.ts'
import type { PartStore } from '../calls/parts.ts'
import { now } from '../database.ts'
import type { Logger } from '../log.ts'
import type { RecordingRow } from '../media/recordings.ts'
import type { ConferenceRow } from './row.ts'

/** Records a conference: all who are in it in one file. Each time that somebody asks is a recording of its own. */
export class Recorder {
  #current: RecordingRow | undefined
  #closing: Promise<void> = Promise.resolve()

  constructor(
    readonly node: AriNode,
    readonly bridgeId: string,
    readonly store: PartStore,
    readonly log: Logger,
  ) {}

  get isRecording(): boolean {
    return this.#current !== undefined
  }

  /** False: it is recorded already. */
  async start({ id, customer_id }: Pick<ConferenceRow, 'id' | 'customer_id'>): Promise<boolean> {
    if (this.#current) return false
    const row = newRow(id, customer_id, this.node.name)
    this.#current = row
    try {
      await this.store.begin('recordings', row)
      const { bridgeId } = this
      const { file: name, format } = row
      await this.node.ari.bridges.record({ bridgeId, name, format, ifExists: 'fail' })
    } catch (error) {
      this.#current = undefined
      await this.store.end(this.node, 'recordings', row, 'failed')
      throw error
    }
    this.#watch(row)
    return true
  }

  /** Goes on with what an earlier process has begun. */
  adopt(row: RecordingRow): void {
    if (this.#current) return
    this.#current = row
    this.#watch(row)
  }

  /** Resolves when the file is closed. False: nothing is being recorded. */
  async stop(): Promise<boolean> {
    const row = this.#current
    if (!row) return false
    await cleanUp([this.node.ari.recordings.stop({ recordingName: row.file })])
    await this.#closing
    return true
  }

  #watch(row: RecordingRow): void {
    this.#closing = this.#untilEnd(row).catch((error: unknown) =>
      this.log.warn({ err: error as Error, recording: row.id }, 'a recording of a conference was not closed'),
    )
  }

  async #untilEnd(row: RecordingRow): Promise<void> {
    const { recordings } = this.node.ari
    const inbox = new Inbox(this.node, new AbortController().signal, row.file)
    try {
      // That it has ended is not always told (Asterisk 22.10): it is looked for too.
      while (await unlessGone(recordings.getLive({ recordingName: row.file }))) {
        const event = await inbox.next(performance.now() + lookMs)
        if (event && event.type !== 'RecordingStarted') break
      }
    } finally {
      inbox.close()
      if (this.#current === row) this.#current = undefined
    }
    await closeRecording(this.node, this.store, row)
  }
}

const lookMs = 5_000

/** Stores the end of a recording whose file is closed, or was never made. */
export async function closeRecording(node: AriNode, store: PartStore, row: RecordingRow): Promise<void> {
  const stored = await unlessGone(node.ari.recordings.getStored({ recordingName: row.file }))
  await store.end(node, 'recordings', row, stored ? 'ended' : 'failed')
}

function newRow(conferenceId: string, customer_id: string, node: string): RecordingRow {
  const id = randomUUID()
  return {
    ...{ id, customer_id, activeflow_id: null, reference_type: 'conference', reference_id: conferenceId },
    ...{ on_end_flow_id: null, status: 'recording', format: 'wav', end_of_key: '', node, file: `conference-${id}` },
    ...{ tm_start: now(), tm_end: null, tm_create: now(), tm_update: null },
  }
}
