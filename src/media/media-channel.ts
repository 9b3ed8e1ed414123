import { AriError } from '../ari/types.ts'
import type { AriNode } from '../ari/connection.ts'
import { HashdialError } from '../errors.ts'
import { Media } from '../voice/media.ts'
import type { Pcm } from '../voice/pcm.ts'

/** A channel whose other end is a WebSocket of ours: what is played to it is heard by `onSound`. */
export async function openMediaChannel(
  node: AriNode,
  channelId: string,
  onSound: (sound: Pcm) => void,
  signal: AbortSignal,
): Promise<Media> {
  const made = node.ari.channels.externalMedia({
    ...{ channelId, app: node.application, format: 'slin16', external_host: 'INCOMING' },
    // Its plain text control messages are deprecated (chan_websocket, Asterisk 22.8).
    ...{ transport: 'websocket', connection_type: 'server', encapsulation: 'none', transport_data: 'f(json)' },
  })
  const { channelvars = {} } = await made.catch((error: unknown) => {
    if (!(error instanceof AriError) || error.status === 0) throw error
    const message = `Asterisk gives no sound of the call (${error.status}): is its module chan_websocket loaded?`
    throw new HashdialError('UNAVAILABLE', 'MEDIA_FAILED', message)
  })
  const url = node.mediaUrl(channelvars.MEDIA_WEBSOCKET_CONNECTION_ID ?? '')
  return Media.open({ url, onSound, signal })
}
