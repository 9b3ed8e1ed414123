import { cleanUp, unlessGone } from '../ari/connection.ts'
import type { Call } from '../calls/call.ts'
import { createLeg, dialLeg, type Endpoint } from '../calls/leg.ts'
import { waitInStasis } from '../calls/in-stasis.ts'
import { livesOn, type CallRun, type Run } from '../calls/run.ts'

/** Where an outgoing call goes, and whom it shows as the caller. */
export interface Leg extends Endpoint {
  identity: Record<string, string> | undefined
}

/** Says of a channel that it was dialled: before it rings its state does not. */
const dialled = 'HASHDIAL_DIALLED'

/**
 * Rings whom the call is to. Resolves when they answer, rejects with the run's reason when the call ends before that.
 * `leg` is needed by the first run only: one after a crash finds the channel, or the call has ended.
 */
export function originate(run: CallRun<Call>, ringSeconds: number, leg?: Leg): Promise<void> {
  return run.untilDone(async () => {
    const { call } = run
    run.signal.throwIfAborted()
    if (call.answered) return
    const left = Date.parse(call.row.tm_create) + ringSeconds * 1000 - Date.now()
    await dial(run, leg, ringSeconds)
    const limit = setTimeout(() => void call.hangup('noanswer').catch(() => undefined), Math.max(0, left))
    try {
      await call.untilAnswered()
    } finally {
      clearTimeout(limit)
    }
  })
}

async function dial(run: Run, leg: Leg | undefined, ringSeconds: number): Promise<void> {
  const { call } = run
  const { channelId } = call
  const { channels } = call.node.ari
  try {
    await waitInStasis(run, channelId, async () => {
      if (!leg) throw new Error('the channel of the call has gone')
      if (call.hangingUp) return call.end('local', call.row.hangup_reason)
      await createLeg(call, channelId, leg, leg.identity)
    })
    if (run.recovered && (await wasDialled(call))) return
    if (call.hangingUp) return await channels.hangup({ channelId })
    const told = channels.setChannelVar({ channelId, variable: dialled, value: '1' })
    await Promise.all([told, dialLeg(call, channelId, { ringSeconds })])
  } catch (error) {
    // It was hung up while it was made.
    if (!livesOn(run)) await cleanUp([channels.hangup({ channelId })])
    throw error
  }
}

async function wasDialled({ node, channelId }: Call): Promise<boolean> {
  // One that is not set is not found.
  const found = await unlessGone(node.ari.channels.getChannelVar({ channelId, variable: dialled }))
  return found?.value === '1'
}
