import { cleanUp, unlessGone } from '../ari/connection.ts'
import { Inbox } from '../ari/inbox.ts'
import type { AriEvent } from '../ari/types.ts'
import type { Call } from '../calls/call.ts'
import type { Run } from '../calls/run.ts'
import { cancelled } from '../calls/signals.ts'

export interface PlayOptions {
  /** Deterministic: after a crash what is being played is found, and not begun again. */
  id: string
  /** What ARI plays: `sound:beep`, `sound:http://…/x.wav`, `digits:42`. */
  media: string
  /** A key stops it. */
  keyStops?: boolean
  /** One that a key has stopped is waited for: music that began before its end would end with it. */
  untilQuiet?: boolean
}

const pressed: AriEvent = { type: 'a digit was pressed' }

/** Plays to the caller until its end. Throws the signal's reason when the run ends. */
export async function playTo(
  run: Run,
  { id, media, keyStops, untilQuiet }: PlayOptions,
): Promise<'done' | 'failed' | 'stopped'> {
  const { dtmf, node } = run.call
  await waiting.get(run.call)
  const inbox = new Inbox(node, run.signal, id)
  const off = dtmf.on(() => keyStops && inbox.push(pressed))
  const stop = () => cleanUp([node.ari.playbacks.stop({ playbackId: id })])
  try {
    await startPlaying(run, id, media)
    for (;;) {
      const event = await inbox.next()
      if (event?.type === 'PlaybackFinished') return await ending(event, inbox)
      if (event !== pressed) continue
      await stop()
      if (untilQuiet) await untilFinished(inbox)
      return 'stopped'
    }
  } finally {
    off()
    inbox.close()
    if (run.signal.reason === cancelled) await stop()
  }
}

async function untilFinished(inbox: Inbox): Promise<void> {
  const deadline = performance.now() + 500
  for (let event; (event = await inbox.next(deadline));) if (event.type === 'PlaybackFinished') return
}

/** Of a channel that is hanging up Asterisk says first that it could not play: that is no mistake in the sound. */
async function ending({ playback }: AriEvent, inbox: Inbox): Promise<'done' | 'failed'> {
  if (playback?.state !== 'failed') return 'done'
  const deadline = performance.now() + 250
  while (await inbox.next(deadline));
  return 'failed'
}

/** Begins to play, if that has not been done by an earlier run. */
export async function startPlaying(run: Run, id: string, media: string): Promise<void> {
  const { channelId, node } = run.call
  const { channels, playbacks } = node.ari
  const found = run.recovered ? await unlessGone(playbacks.get({ playbackId: id })) : undefined
  if (!found) await channels.playWithId({ channelId, playbackId: id, media })
  run.onHeard?.()
}

/** What was begun and goes on beside the flow, where its parts are not all in Asterisk's hands yet. */
const waiting = new WeakMap<Call, Promise<void>>()

/** Plays more after what was begun, before anything that comes later. What goes wrong in it is noted. */
export function playNext(call: Call, more: () => Promise<void>): void {
  const done = (waiting.get(call) ?? Promise.resolve()).then(more).catch((error: unknown) => {
    if (!call.hasEnded) call.log.warn({ err: error as Error }, 'not all was played')
  })
  waiting.set(call, done)
}
