import { cleanUp, unlessGone } from '../ari/connection.ts'
import { Inbox } from '../ari/inbox.ts'
import type { AriEvent } from '../ari/types.ts'
import type { Call } from './call.ts'

export interface PlayOptions {
  /** Deterministic: after a crash what is being played is found, and not begun again. */
  id: string
  /** What ARI plays: `sound:beep`, `sound:http://…/x.wav`, `digits:42`. */
  media: string
  /** A key stops it. */
  keyStops?: boolean
}

/** Plays to the caller until its end. Throws the call's reason when the call ends. */
export async function playTo(call: Call, { id, media, keyStops }: PlayOptions): Promise<'done' | 'failed' | 'stopped'> {
  const { channelId, keypad, node } = call
  await waiting.get(call)
  const pressed = keypad.count
  const inbox = new Inbox(node, call.signal, id, channelId)
  try {
    await startPlaying(call, id, media)
    for (;;) {
      const event = await inbox.next()
      if (event?.type === 'PlaybackFinished') return await ending(event, inbox)
      if (keyStops && keypad.count > pressed) {
        await cleanUp([node.ari.playbacks.stop({ playbackId: id })])
        return 'stopped'
      }
    }
  } finally {
    inbox.close()
  }
}

/** Of a channel that is hanging up Asterisk says first that it could not play: that is no mistake in the sound. */
async function ending({ playback }: AriEvent, inbox: Inbox): Promise<'done' | 'failed'> {
  if (playback?.state !== 'failed') return 'done'
  const deadline = performance.now() + 250
  while (await inbox.next(deadline));
  return 'failed'
}

/** Begins to play, if that has not been done by an earlier run. */
export async function startPlaying({ node, channelId, recovered }: Call, id: string, media: string): Promise<void> {
  const { channels, playbacks } = node.ari
  const found = recovered ? await unlessGone(playbacks.get({ playbackId: id })) : undefined
  if (!found) await channels.playWithId({ channelId, playbackId: id, media })
}

/** What was begun and goes on beside the flow, where its parts are not all in Asterisk's hands yet. */
const waiting = new WeakMap<Call, Promise<void>>()

/** Plays more after what was begun, before anything that comes later. What goes wrong in it is noted. */
export function playNext(call: Call, more: () => Promise<void>): void {
  const done = (waiting.get(call) ?? Promise.resolve()).then(more).catch((error: unknown) => {
    if (!call.ended) call.log.warn({ err: error as Error }, 'not all was played')
  })
  waiting.set(call, done)
}
