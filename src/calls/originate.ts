import { cleanUp, unlessGone } from '../ari/connection.ts'
import { callEnded, type Call } from './call.ts'
import { createLeg, dialLeg, type Destination } from './leg.ts'
import { waitInStasis } from './snoop.ts'

/** Where an outgoing call goes, and whom it shows as the caller. */
export interface Leg extends Destination {
  identity: Record<string, string> | undefined
}

/** Says of a channel that it was dialled: before it rings its state does not. */
const dialled = 'HASHDIAL_DIALLED'

/**
 * Rings whom the call is to. Resolves when he answers, rejects with `callEnded` when the call ends before that. `leg` is
 * needed by the first run only: one after a crash finds the channel, or the call has ended.
 */
export async function ringOut(call: Call, leg?: Leg): Promise<void> {
  for (;;) {
    try {
      return await attempt(call, leg)
    } catch (error) {
      if (call.interrupted) await call.resumed()
      else if (call.ended) throw callEnded
      else throw error
    }
  }
}

async function attempt(call: Call, leg: Leg | undefined): Promise<void> {
  call.signal.throwIfAborted()
  if (call.answered) return
  const ringSeconds = call.exchange.ringSeconds
  const left = Date.parse(call.row.tm_create) + ringSeconds * 1000 - Date.now()
  await dial(call, leg, ringSeconds)
  const limit = setTimeout(() => void call.hangup('noanswer').catch(() => undefined), Math.max(0, left))
  try {
    await call.untilAnswered()
  } finally {
    clearTimeout(limit)
  }
}

async function dial(call: Call, leg: Leg | undefined, ringSeconds: number): Promise<void> {
  const { channelId } = call
  const { channels } = call.node.ari
  try {
    await waitInStasis(call, channelId, async () => {
      if (!leg) throw new Error('the channel of the call has gone')
      if (call.ending) return call.end('local', call.row.hangup_reason)
      await createLeg(call, channelId, leg, leg.identity)
    })
    if (call.recovered && (await wasDialled(call))) return
    if (call.ending) return await channels.hangup({ channelId })
    const told = channels.setChannelVar({ channelId, variable: dialled, value: '1' })
    await Promise.all([told, dialLeg(call, channelId, { ringSeconds })])
  } catch (error) {
    // It was hung up while it was made.
    if (!call.interrupted) await cleanUp([channels.hangup({ channelId })])
    throw error
  }
}

async function wasDialled({ node, channelId }: Call): Promise<boolean> {
  // One that is not set is not found.
  const found = await unlessGone(node.ari.channels.getChannelVar({ channelId, variable: dialled }))
  return found?.value === '1'
}
