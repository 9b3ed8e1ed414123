import { cleanUp, type AriNode } from '../ari/connection.ts'
import type { PartStore } from '../calls/parts.ts'
import type { RecordingRow } from '../media/recordings.ts'
import { leaveEmpty, storeLeft } from './meetings.ts'
import { closeRecording } from './recorder.ts'
import type { Room } from './room.ts'
import type { ConferenceRow, ConferencecallRow } from './row.ts'

/** What is known here of the conferences of an Asterisk. */
interface Known {
  isLive(row: ConferencecallRow): boolean
  roomOf(conferenceId: string): Room | undefined
  /** Somebody comes or goes just now, or is in it. */
  isBusy(conferenceId: string): boolean
}

/**
 * Makes what is stored of the meetings at an Asterisk, and what is there, agree: after a crash, and from time to time.
 * Calls that live on have found their places again by themselves, or will.
 */
export async function adoptMeetings(node: AriNode, store: PartStore, known: Known): Promise<void> {
  const { database } = store
  const calls = database.getRepository<ConferencecallRow>('conferencecalls')
  const open = await database.query<{ id: string }[]>(
    'SELECT id FROM conferencecalls WHERE node = ? AND tm_end IS NULL',
    [node.name],
  )
  const waiting = new Set<string>()
  for (const { id } of open) {
    const row = await calls.findOneBy({ id })
    if (row?.tm_end !== null) continue
    if (known.isLive(row)) waiting.add(row.conference_id)
    else await storeLeft(store, row)
  }
  const isIdle = (id: string) => !waiting.has(id) && !known.isBusy(id)
  await adoptRecordings(node, store, known, isIdle)
  const met = await database.getRepository<ConferenceRow>('conferences').findBy({ node: node.name })
  const idle = met.filter(({ id }) => isIdle(id))
  const wanted = new Set(met.filter(({ id }) => !isIdle(id)).map(({ bridge_id }) => bridge_id))
  await removeBridges(node, (id) => wanted.has(id))
  for (const row of idle) await leaveEmpty(store, row)
}

async function adoptRecordings(node: AriNode, store: PartStore, known: Known, isIdle: (id: string) => boolean) {
  for (const row of await openRecordings(node, store)) {
    const room = known.roomOf(row.reference_id)
    if (room) room.recorder.adopt(row)
    else if (isIdle(row.reference_id)) {
      await cleanUp([node.ari.recordings.stop({ recordingName: row.file })])
      await closeRecording(node, store, row)
    }
  }
}

/** The recordings of conferences that are under way at an Asterisk, as far as is stored. */
export function openRecordings(node: AriNode, { database }: PartStore): Promise<RecordingRow[]> {
  return database.query(
    `SELECT * FROM recordings WHERE node = ? AND tm_end IS NULL AND reference_type = 'conference'`,
    [node.name],
  )
}

/** A bridge is made after its row, and its row is emptied after it is gone: one that no row names is nobody's. */
async function removeBridges(node: AriNode, isWanted: (id: string) => boolean): Promise<void> {
  const bridges = await node.ari.bridges.list()
  const hollow = bridges.filter(
    ({ id, channels }) => /^conference-[0-9a-f-]{36}$/.test(id) && !isWanted(id) && channels.length === 0,
  )
  await cleanUp(hollow.map(({ id: bridgeId }) => node.ari.bridges.destroy({ bridgeId })))
}
