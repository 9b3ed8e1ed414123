import type { Call } from '../calls/call.ts'
import { fromNow, transaction } from '../database.ts'
import { insertEvents } from '../events/event.ts'
import { change, endCallback, endOffers, lock, lockedRow, type Store } from './queuecall.ts'
import type { Callback, CallbackPlace, QueuecallRow, QueueRow } from './row.ts'

/** Within so long a call has begun, or whoever was to make it is gone. */
export const beginMs = 10_000

/** A caller who waits is promised to be called back: they keep the place. False: they do not wait any more. */
export function promise(store: Store, row: QueuecallRow, place: CallbackPlace, queue: QueueRow): Promise<boolean> {
  return transaction(store.database, async (manager) => {
    await lock(manager, row)
    const callback: Callback = { ...place, attempts: 0 }
    const changes = { callback, node: '', tm_callback: fromNow(queue.callback_delay) }
    if (!(await change(manager, row, 'waiting', changes))) return false
    await insertEvents(manager, [store.eventOf('queuecall', 'callback', row)])
    return true
  })
}

/** This process calls the caller, at this Asterisk. False: another one does, or nobody is to. */
export function claim(store: Store, row: QueuecallRow, callId: string, node: string): Promise<boolean> {
  return transaction(store.database, async (manager) => {
    const found = await lockedRow(manager, row)
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
    const found = await lockedRow(manager, row)
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
    const row = await lockedRow(manager, { id, queue_id })
    if (!row?.callback || row.tm_end !== null || row.status !== 'connecting') return
    // Not even begun, or that one.
    if (row.node !== '' && row.reference_id !== callId) return
    const queue = await manager.getRepository<QueueRow>('queues').findOneBy({ id: queue_id })
    const attempts = row.callback.attempts + 1
    if (!queue || attempts >= queue.callback_attempts) return endCallback(store, manager, row, 'callback_failed')
    await endOffers({ manager, eventOf: store.eventOf }, row, new Map(), queue)
    const next = { callback: { ...row.callback, attempts }, tm_callback: fromNow(queue.callback_retry_delay) }
    if (await change(manager, row, 'connecting', { ...next, node: '', status: 'waiting' }))
      await insertEvents(manager, [store.eventOf('queuecall', 'waiting', row)])
  })
}
