import type { AriNode } from '../ari/connection.ts'
import type { CallRow } from '../calls/call.ts'
import { leftCalls, recoverCall, settleCall } from './calls.ts'
import { settleChannels } from './channels.ts'
import type { RecoveryHouse } from './house.ts'

/** What a reconciliation found and mended. */
export interface Repairs {
  /** Calls, and flows after calls, of an earlier process that are carried on. */
  recovered: number
  /** Calls whose channel had gone. */
  ended: number
  /** Channels and bridges that belonged to no call. */
  removed: number
}

/**
 * Makes what is in Asterisk, in memory and in MySQL agree again: after a connect, for events were missed, and from time
 * to time. Asterisk decides which calls are alive; its StasisStart is not sent again for a channel that it has. The lists
 * are old when they are compared, so Asterisk is asked again before anything is done about one of them.
 */
export async function reconcile(node: AriNode, house: RecoveryHouse): Promise<Repairs> {
  const { activeflows, liveCalls, outgoing, parts } = house
  const [channels, bridges, app] = await Promise.all([
    node.ari.channels.list(),
    node.ari.bridges.list(),
    node.ari.applications.get({ applicationName: node.application }),
  ])
  const alive = new Map(channels.map((channel) => [channel.id, channel]))
  const settled = await Promise.all(liveCalls.of(node).map((call) => settleCall(call, alive)))
  const repairs = { recovered: 0, ended: settled.filter(Boolean).length, removed: 0 }
  const groupcallsGoOn = await outgoing.adopt(node)
  const left: CallRow[] = []
  for (const row of await leftCalls(node, house)) {
    const recovered = await recoverCall(row, node, house)
    if (recovered === undefined) left.push(row)
    else repairs[recovered ? 'recovered' : 'ended']++
  }
  groupcallsGoOn()
  liveCalls.cancelChained(node)
  repairs.recovered += await activeflows.recover(node)
  repairs.removed = await settleChannels(node, { channels, bridges, inStasis: app.channel_ids }, left, house)
  for (const part of parts) await part.adopt(node, (id) => liveCalls.get(id))
  return repairs
}
