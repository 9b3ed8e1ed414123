import { cleanUp, type AriNode } from '../ari/connection.ts'
import type { AriEvent } from '../ari/types.ts'

type Progress = 'channel_answered' | 'channel_unavailable' | 'channel_declined'

/** The progress of a transfer, for the device that has asked for it. It may have hung up. */
export function tellTransfer(node: AriNode, channelId: string, states: Progress): Promise<void> {
  return cleanUp([node.ari.channels.transfer_progress({ channelId, states })])
}

/** Refuses a transfer that a device asks for: without an answer it would wait for one (RFC 3515, 2.4.4). */
export function declineTransfer(node: AriNode, { type, state, referred_by }: AriEvent): void {
  const channelId = referred_by?.source_channel?.id
  // With a state it is the news of what became of one.
  if (type === 'ChannelTransfer' && !state && channelId) void tellTransfer(node, channelId, 'channel_declined')
}
