import { insertOnce, transaction } from '../database.ts'
import { insertEvents, type EventRow } from '../events/event.ts'
import type { Exchange } from './call.ts'

/** Recordings and transcribes: what a call has beside its actions, with a beginning and an end of its own. */
export type PartTable = 'recordings' | 'transcribes'

/** The beginning, or the end, of a part, as it is told. */
export function partEvent(
  { eventOf }: Pick<Exchange, 'eventOf'>,
  table: PartTable,
  isOver: boolean,
  row: { id: string },
): EventRow {
  return eventOf(table.replace(/s$/, ''), isOver ? 'finished' : 'started', row)
}

/** Stores the beginning of a part. Again after a crash it is there. */
export function storePart(exchange: Exchange, table: PartTable, row: { id: string }): Promise<void> {
  return transaction(exchange.database, async (manager) => {
    await insertOnce(manager, table, row)
    await insertEvents(manager, [partEvent(exchange, table, false, row)])
  })
}
