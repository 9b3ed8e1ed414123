import { randomUUID } from 'node:crypto'
import { cleanUp, unlessGone, type AriNode } from '../ari/connection.ts'
import { Inbox } from '../ari/inbox.ts'

/**
 * Plays something to a leg that nobody else hears yet. False: it has hung up meanwhile. An abort ends it: until then the leg
 * could be put into no bridge.
 */
export async function playToLeg(node: AriNode, leg: string, media: string, signal: AbortSignal): Promise<boolean> {
  const playbackId = `whisper-${randomUUID()}`
  const inbox = new Inbox(node, signal, playbackId, leg)
  const stop = () => void cleanUp([node.ari.playbacks.stop({ playbackId })])
  signal.addEventListener('abort', stop, { once: true })
  try {
    const { channels } = node.ari
    if (!(await unlessGone(channels.playWithId({ channelId: leg, playbackId, media })))) return false
    for (;;) {
      const event = await inbox.next()
      if (event?.type === 'ChannelDestroyed') return false
      if (event?.type !== 'PlaybackFinished') continue
      // Of one that is hanging up Asterisk says first that it could not play.
      return event.playback?.state !== 'failed' || !(await isGone(inbox))
    }
  } finally {
    signal.removeEventListener('abort', stop)
    inbox.close()
  }
}

async function isGone(inbox: Inbox): Promise<boolean> {
  const deadline = performance.now() + 250
  for (let event; (event = await inbox.next(deadline));) if (event.type === 'ChannelDestroyed') return true
  return false
}
