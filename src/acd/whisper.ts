import { fill } from '../calls/fill.ts'
import type { CallRun, Run } from '../calls/run.ts'
import { playToLeg } from '../media/leg-sound.ts'
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
  const text = fill(queue.whisper, { ...run.variables, ...variables })
  const media = await house.sounds.speak({ provider: '', text }, signal, row.customer_id).catch((err: unknown) => {
    run.call.log.warn({ err: err as Error }, 'an agent is not told who is coming')
  })
  return media === undefined || playToLeg(run.call.node, leg, media, signal)
}

/** A time as one says it, to half a minute. */
export function inWords(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000)
  if (seconds < 60) return `${seconds} seconds`
  const minutes = Math.round(seconds / 30) / 2
  return minutes === 1 ? '1 minute' : `${minutes} minutes`
}
