import type { DataSource } from 'typeorm'
import { unlessGone, type AriNode } from '../ari/connection.ts'
import { AriError } from '../ari/types.ts'
import { HashdialError } from '../errors.ts'
import { CallElsewhere } from '../nodes/elsewhere.ts'

/** The files of recordings, for the API. Rejects with a HashdialError. */
export function recordingFiles(nodes: readonly AriNode[]) {
  const on = async <T>(name: string, work: (node: AriNode) => Promise<T>): Promise<T> => {
    const node = nodes.find((candidate) => candidate.name === name)
    if (!node?.carried) throw new CallElsewhere(name)
    if (!node.connected)
      throw new HashdialError('UNAVAILABLE', 'ASTERISK_AWAY', `Asterisk ${name}, which has it, is away`)
    return work(node).catch((error: unknown) => {
      if (!(error instanceof AriError)) throw error
      if (!error.gone) throw new HashdialError('UNAVAILABLE', 'ASTERISK_AWAY', error.message)
      throw new HashdialError('NOT_FOUND', 'RECORDING_FILE_NOT_FOUND', 'Asterisk does not have the file')
    })
  }
  return {
    read: (name: string, file: string) => on(name, (node) => node.download(file)),
    remove: (name: string, file: string) => on(name, (node) => removeFile(node, file)),
  }
}

async function removeFile({ ari: { recordings } }: AriNode, file: string): Promise<void> {
  await unlessGone(recordings.stop({ recordingName: file }))
  await unlessGone(recordings.deleteStored({ recordingName: file }))
}

const batch = 100

/** Removes old recordings, each with its file: so those of an Asterisk that is away wait until it is back. */
export async function removeOldRecordings(
  nodes: readonly AriNode[],
  database: DataSource,
  days: number,
): Promise<number> {
  let count = 0
  for (const node of nodes.filter(({ connected }) => connected)) {
    for (;;) {
      const rows: { id: string; file: string }[] = await database.query(
        `SELECT id, file FROM recordings WHERE node = ? AND tm_end < UTC_TIMESTAMP(6) - INTERVAL ? DAY LIMIT ${batch}`,
        [node.name, days],
      )
      for (const { id, file } of rows) {
        await removeFile(node, file)
        await database.query('DELETE FROM recordings WHERE id = ?', [id])
      }
      count += rows.length
      if (rows.length < batch) break
    }
    count += await removeOrphans(node, database)
  }
  return count
}

/** The name of a file of ours: the place in an activeflow at which it was begun. */
const ours = /^recording-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/

/**
 * Removes the files that have no row any more, since their customer was deleted. A row is there before its file is, so what
 * is listed first and has no row then is nobody's.
 */
async function removeOrphans(node: AriNode, database: DataSource): Promise<number> {
  const files = (await node.ari.recordings.listStored()).map(({ name }) => name).filter((name) => ours.test(name))
  let count = 0
  for (let from = 0; from < files.length; from += batch) {
    const some = files.slice(from, from + batch)
    const rows: { file: string }[] = await database.query('SELECT file FROM recordings WHERE file IN (?)', [some])
    const known = new Set(rows.map(({ file }) => file))
    const orphans = some.filter((file) => !known.has(file))
    for (const file of orphans) await removeFile(node, file)
    count += orphans.length
  }
  return count
}
