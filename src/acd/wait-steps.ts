import type { StepLike } from '../calls/run.ts'
import type { DataSource } from '../database.ts'
import type { QueuecallRow, QueueRow } from './row.ts'
import { positionOf, spokenWait } from './state.ts'

/** Who waits, where, and when they were last told of it (performance.now()). */
export interface Waiting {
  readonly queue: QueueRow
  readonly row: QueuecallRow
  readonly run: { readonly variables: Record<string, string> }
  announced: number
}

/** What is said in one round, with the variables as they are by then: the announcement when it is due, and the wait flow. */
export async function waitSteps(database: DataSource, waiting: Waiting): Promise<readonly StepLike[]> {
  const { queue, row, run } = waiting
  const { announce_interval: interval, announce_text: text } = queue
  const announces = interval > 0 && text !== ''
  if (queue.wait_flow_id === null && !announces) return []
  const position = await positionOf(database, row)
  const wait = await spokenWait(database, queue, position)
  run.variables['hashdial.queuecall.position'] = String(position)
  run.variables['hashdial.queuecall.estimated_wait'] = wait === undefined ? '' : String(wait)
  const flow = await wantedFlow(database, queue)
  if (!announces) return flow
  const left = Math.ceil(waiting.announced + interval - performance.now())
  const isDue = left <= 0
  if (isDue) waiting.announced = performance.now()
  const told = isDue ? [{ type: 'talk', option: { text } }] : []
  // Without a flow there is music until the next one.
  const then = flow.length > 0 ? flow : [{ type: 'sleep', option: { duration: isDue ? interval : left } }]
  return [...told, ...then]
}

async function wantedFlow(database: DataSource, { wait_flow_id, customer_id }: QueueRow): Promise<StepLike[]> {
  if (wait_flow_id === null) return []
  const rows: { actions: string }[] = await database.query(
    'SELECT actions FROM flows WHERE id = ? AND customer_id = ?',
    [wait_flow_id, customer_id],
  )
  return rows[0] ? (JSON.parse(rows[0].actions) as StepLike[]) : []
}
