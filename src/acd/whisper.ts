import { randomUUID } from 'node:crypto'
import { unlessGone, type AriNode } from '../ari/connection.ts'
import { Inbox } from '../ari/inbox.ts'
import type { CallRun, Run } from '../calls/run.ts'
import type { Sounds } from '../media/sounds.ts'
import type { QueuecallRow, QueueRow } from './row.ts'

interface Coming {
  readonly house: { readonly sounds: Sounds }
  readonly queue: QueueRow
  readonly row: QueuecallRow
  readonly run: Run & { readonly variables: Readonly<Record<string, string>> }
}

/** Tells an agent who comes; the caller hears on what they heard. An agent who cannot be told anything is connected all the same. */
export async function whisper(coming: Coming, leg: string, { signal }: CallRun): Promise<boolean> {
  const { house, queue, row, run } = coming
  const variables = {
    'hashdial.queue.name': queue.name,
    'hashdial.queuecall.wait': inWords(Date.now() - Date.parse(row.tm_enter)),
  }
  const text = filled(queue.whisper, { ...run.variables, ...variables })
  const media = await house.sounds.speak({ provider: '', text }, signal, row.customer_id).catch((err: unknown) => {
    run.call.log.warn({ err: err as Error }, 'an agent is not told who is coming')
  })
  return media === undefined || playToLeg(run.call.node, leg, media, signal)
}

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

/** A time as one says it, to half a minute. */
export function inWords(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000)
  if (seconds < 60) return `${seconds} seconds`
  const minutes = Math.round(seconds / 30) / 2
  return minutes === 1 ? '1 minute' : `${minutes} minutes`
}

/** Fills `${name}` in; what there is not is empty. */
export const filled = (text: string, variables: Readonly<Record<string, string>>): string =>
  text.replace(/\$\{([^}]*)\}/g, (_, name: string) => variables[name] ?? '')
