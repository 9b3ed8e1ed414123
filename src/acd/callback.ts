import type { Call } from '../calls/call.ts'
import { fromSqlTime, toSqlTime, transaction } from '../database.ts'
import { insertEvents } from '../events/event.ts'
import { change, endCallback, endOffers, lock, type Store } from './queuecall.ts'
import type { Callback, QueuecallRow, QueueRow } from './row.ts'

/** Within so long a call has begun, or whoever was to make it is gone. */
export const beginMs = 10_000

type Place = Omit<Callback, 'attempts'>

/** A caller who waits is promised to be called back: they keep the place. False: they do not wait any more. */
export function promise(store: Store, row: QueuecallRow, place: Place, queue: QueueRow): Promise<boolean> {
  return transaction(store.database, async (manager) => {
    await lock(manager, row)
    const callback: Callback = { ...place, attempts: 0 }
    const changes = { callback, node: '', tm_callback: after(queue.callback_delay) }
    if (!(await change(manager, row, 'waiting', changes))) return false
    await insertEvents(manager, [store.eventOf('queuecall', 'callback', row)])
    return true
  })
}

/** This process calls the caller, at this Asterisk. False: another one does, or nobody is to. */
export function claim(store: Store, row: QueuecallRow, callId: string, node: string): Promise<boolean> {
  return transaction(store.database, async (manager) => {
    await lock(manager, row)
    const found = await manager.getRepository<QueuecallRow>('queuecalls').findOneBy({ id: row.id })
    if (!found?.callback || found.node !== '') return false
    return change(manager, row, 'connecting', { node, reference_id: callId })
  })
}

/** The caller is on the line again, and the agent that was kept for them can be rung. */
export function confirmed(
  store: Store,
  row: QueuecallRow,
  { id: callId, row: { activeflow_id } }: Call,
): Promise<boolean> {
  return transaction(store.database, async (manager) => {
    await lock(manager, row)
    const found = await manager.getRepository<QueuecallRow>('queuecalls').findOneBy({ id: row.id })
    if (found?.reference_id !== callId || !found.callback) return false
    return change(manager, row, 'connecting', { activeflow_id, callback: null, tm_callback: null })
  })
}

/** A call back has ended, and nobody has confirmed. */
export function calledBack(
  store: Store,
  { id, queue_id }: Pick<QueuecallRow, 'id' | 'queue_id'>,
  callId: string,
): Promise<void> {
  return transaction(store.database, async (manager) => {
    const rows = manager.getRepository<QueuecallRow>('queuecalls')
    await lock(manager, { id, queue_id })
    const row = await rows.findOneBy({ id })
    if (!row?.callback || row.tm_end !== null || row.status !== 'connecting') return
    // Not even begun, or that one.
    if (row.node !== '' && row.reference_id !== callId) return
    const queue = await manager.getRepository<QueueRow>('queues').findOneBy({ id: queue_id })
    const attempts = row.callback.attempts + 1
    if (!queue || attempts >= queue.callback_attempts) return endCallback(store, manager, row, 'callback_failed')
    await endOffers({ manager, eventOf: store.eventOf }, row, new Map(), queue)
    const next = { callback: { ...row.callback, attempts }, tm_callback: after(queue.callback_retry_delay) }
    if (await change(manager, row, 'connecting', { ...next, node: '', status: 'waiting' }))
      await insertEvents(manager, [store.eventOf('queuecall', 'waiting', row)])
  })
}

const after = (milliseconds: number): string => fromSqlTime(toSqlTime(new Date(Date.now() + milliseconds)))
