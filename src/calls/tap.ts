import { randomUUID } from 'node:crypto'
import { cleanUp, unlessGone, type AriNode } from '../ari/connection.ts'
import { AriError } from '../ari/types.ts'
import { HashdialError } from '../errors.ts'
import { Media } from '../voice/media.ts'
import type { Pcm } from '../voice/pcm.ts'
import type { Call } from './call.ts'
import { waitInStasis } from './snoop.ts'

/** One direction of a call that is listened to: `transcribe_in-<place>` is its bridge. */
export interface Tap {
  kind: string
  place: string
  /** As seen from the caller's channel: `in` is what he says. */
  direction: 'in' | 'out'
}

const bridgeOf = ({ kind, place }: Tap): string => `${kind}-${place}`

/**
 * Takes the sound of one direction as it comes: a snoop channel hears it, and a bridge carries it to a channel whose
 * other end is our WebSocket. What an earlier process has left is found in the bridge and removed: its media channel ended
 * with its process, and a channel's name is free again only when the channel is gone, so these have new names each time.
 */
export async function tapCall(
  call: Call,
  tap: Tap,
  onSound: (sound: Pcm) => void,
  signal: AbortSignal,
): Promise<Media> {
  const { ari, application: app } = call.node
  const bridgeId = bridgeOf(tap)
  const own = `${tap.place}-${randomUUID().slice(0, 8)}`
  const [snoopId, id] = [`${tap.kind}_snoop-${own}`, `${tap.kind}_media-${own}`]
  const left = await unlessGone(ari.bridges.get({ bridgeId }))
  if (left) await cleanUp(left.channels.map((channelId) => ari.channels.hangup({ channelId })))
  else await ari.bridges.createWithId({ bridgeId, type: 'mixing' })
  let media: Media | undefined
  try {
    await waitInStasis(call, snoopId, () =>
      ari.channels.snoopChannelWithId({
        ...{ channelId: call.channelId, snoopId, spy: tap.direction, app, appArgs: 'leg' },
      }),
    )
    // It comes into Stasis when its WebSocket is there.
    await waitInStasis(call, id, async () => {
      media = await openMedia(call, id, onSound, signal)
    })
    await ari.bridges.addChannel({ bridgeId, channel: `${snoopId},${id}` })
    return media!
  } catch (error) {
    media?.close()
    await cleanUp([snoopId, id].map((channelId) => ari.channels.hangup({ channelId })))
    throw error
  }
}

async function openMedia(
  { node }: Call,
  channelId: string,
  onSound: (sound: Pcm) => void,
  signal: AbortSignal,
): Promise<Media> {
  const made = node.ari.channels.externalMedia({
    ...{ channelId, app: node.application, format: 'slin16', external_host: 'INCOMING' },
    ...{ transport: 'websocket', connection_type: 'server', encapsulation: 'none' },
  })
  const { channelvars = {} } = await made.catch((error: unknown) => {
    if (!(error instanceof AriError) || error.status === 0) throw error
    const message = `Asterisk gives no sound of the call (${error.status}): is its module chan_websocket loaded?`
    throw new HashdialError('UNAVAILABLE', 'MEDIA_FAILED', message)
  })
  const url = node.mediaUrl(channelvars.MEDIA_WEBSOCKET_CONNECTION_ID ?? '')
  return Media.open({ url, onSound, signal })
}

/** Removes what is left of it. */
export async function untapCall({ ari }: AriNode, tap: Tap): Promise<void> {
  const bridgeId = bridgeOf(tap)
  const remove = async () => {
    const left = await unlessGone(ari.bridges.get({ bridgeId }))
    if (!left) return
    await cleanUp(left.channels.map((channelId) => ari.channels.hangup({ channelId })))
    await ari.bridges.destroy({ bridgeId })
  }
  await cleanUp([remove()])
}
