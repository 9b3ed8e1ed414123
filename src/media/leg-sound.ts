import { randomUUID } from 'node:crypto'
import { unlessGone, type AriNode } from '../ari/connection.ts'
import { Inbox } from '../ari/inbox.ts'

/** Plays something to a leg that nobody else hears yet. False: it has hung up meanwhile. */
export async function playToLeg(node: AriNode, leg: string, media: string, signal: AbortSignal): Promise<boolean> {
  const playbackId = `whisper-${randomUUID()}`
  const inbox = new Inbox(node, signal, playbackId, leg)
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
    inbox.close()
  }
}

async function isGone(inbox: Inbox): Promise<boolean> {
  const deadline = performance.now() + 250
  for (let event; (event = await inbox.next(deadline));) if (event.type === 'ChannelDestroyed') return true
  return false
}

/** Fills `${name}` in; what there is not is empty. */
export const filled = (text: string, variables: Readonly<Record<string, string>>): string =>
  text.replace(/\$\{([^}]*)\}/g, (_, name: string) => variables[name] ?? '')
