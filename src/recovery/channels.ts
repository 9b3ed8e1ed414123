import { cleanUp, unlessGone, type AriNode } from '../ari/connection.ts'
import type { AriBridge, AriChannel } from '../ari/types.ts'
import type { CallRow } from '../calls/call.ts'
import { ownerOf } from '../calls/owner.ts'
import type { RecoveryHouse } from './house.ts'
import { isYoung } from './young.ts'

/** What there is in Asterisk, as it was listed. */
export interface Listed {
  readonly channels: readonly AriChannel[]
  readonly bridges: readonly AriBridge[]
  /** Those of the channels that are in our Stasis application. */
  readonly inStasis: readonly string[]
}

/**
 * Accepts callers who wait for nobody, and removes channels and bridges that belong to no call. `left` are calls that
 * could not be recovered yet: what is theirs stays. Answers how many were removed.
 */
export async function settleChannels(
  node: AriNode,
  { channels, bridges, inStasis }: Listed,
  left: readonly CallRow[],
  house: RecoveryHouse,
): Promise<number> {
  const { liveCalls } = house
  const mine = new Set([...liveCalls.of(node).map(({ row }) => row), ...left].map((row) => row.activeflow_id))
  const isKnown = (id: string) => liveCalls.hasChannel(node, id) || left.some(({ channel_id }) => channel_id === id)
  const unknown = channels.filter(({ id }) => inStasis.includes(id) && !isKnown(id))
  await Promise.all(unknown.filter(isWaiting).map((channel) => acceptIfThere(node, channel.id, house)))
  const orphans = unknown.filter((channel) => isOrphan(channel, mine)).map(({ id }) => id)
  const hollow = bridges.filter(({ id }) => ownerOf(id) && !mine.has(ownerOf(id)!)).map(({ id }) => id)
  await cleanUp([
    ...orphans.map((channelId) => node.ari.channels.hangup({ channelId })),
    ...hollow.map((bridgeId) => node.ari.bridges.destroy({ bridgeId })),
  ])
  return orphans.length + hollow.length
}

/** A caller who hung up meanwhile is nobody to be served, and one whose StasisStart came meanwhile is served already. */
async function acceptIfThere(node: AriNode, channelId: string, { inbound, liveCalls }: RecoveryHouse): Promise<void> {
  const channel = await unlessGone(node.ari.channels.get({ channelId }))
  if (channel && isWaiting(channel) && !liveCalls.hasChannel(node, channelId)) inbound.acceptWaiting(node, channel)
}

/** A caller whose StasisStart went to a process that died: they wait, and nobody has begun anything for them. */
function isWaiting({ id, state }: AriChannel): boolean {
  return state === 'Ring' && !ownerOf(id)
}

/** A leg whose activeflow does not run here, or a channel of a call that was never recorded. */
function isOrphan(channel: AriChannel, mine: ReadonlySet<string>): boolean {
  const activeflow = ownerOf(channel.id)
  if (activeflow) return !mine.has(activeflow)
  return !isWaiting(channel) && !isYoung(channel.creationtime)
}
