import type { AriNode } from '../ari/connection.ts'
import type { Logger } from '../log.ts'
import { endCallsOf, goneNodes, lostNodes, type Store } from './abandoned.ts'
import type { Holder } from './node.ts'

/** The calls that this process carries, as far as they are needed here. */
interface Carried {
  nodes: readonly AriNode[]
  of(node: AriNode): { end(by: '', reason: 'failed'): void }[]
  has(callId: string): boolean
}

interface Options extends Store {
  log: Logger
  holder: Holder
  liveCalls: Carried
  /** How long an Asterisk may be away, or in no configuration. */
  seconds: number
}

/** Ends what would be under way for ever: calls of an Asterisk that does not come back, or that nobody knows any more. */
export function abandonedJob(options: Options) {
  const { database, log, holder, liveCalls, seconds } = options
  const start = performance.now()
  const endAll = async (name: string, why: string) => {
    const count = await endCallsOf(options, name, (id) => liveCalls.has(id))
    if (count > 0) log.warn({ node: name, count }, why)
    return count
  }
  const run = async (): Promise<number> => {
    let count = 0
    for (const name of await lostNodes(database, holder.id, seconds)) {
      const node = liveCalls.nodes.find((one) => one.name === name && !one.connected)
      if (!node) continue
      const live = liveCalls.of(node)
      for (const call of live) call.end('', 'failed')
      count +=
        live.length + (await endAll(name, 'its calls are recorded as ended: this Asterisk has been away for long'))
    }
    // Not before every process has had the time to say what is in its configuration.
    if (performance.now() - start < seconds * 1000) return count
    for (const { name } of await goneNodes(database, seconds))
      count += await endAll(name, 'its calls are recorded as ended: this Asterisk is in no configuration any more')
    return count
  }
  return { name: 'calls of lost nodes', every: '*/10 * * * * *', eachProcess: true, run }
}
