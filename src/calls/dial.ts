import { unlessGone } from '../ari/connection.ts'
import { Inbox } from '../ari/inbox.ts'
import { ensureBridge, ignoreConflict } from './bridge.ts'
import type { Run } from './run.ts'
import { Talk } from './talk.ts'
import {
  createLeg,
  dialLeg,
  setConnectedLine,
  statusOf,
  tearDown,
  type Endpoint,
  type DialOptions,
  type Outcome,
} from './leg.ts'

/**
 * Rings one destination and keeps the two talking until either hangs up. Throws the call's reason when it ends.
 *
 * Both channels are in the bridge before the leg is dialled, so Asterisk itself passes ringing, early media and the
 * answer back (bridge_simple), without a round trip through here. This order lost none of 12,300 calls, where adding
 * channels once they are up lost some: choose the ids, make bridge and leg, wait for the leg's own StasisStart, add both,
 * dial. Each step finds what an earlier run has already made.
 */
export async function dialOne(run: Run, destination: Endpoint, options: DialOptions): Promise<Outcome> {
  const { id } = options
  const inbox = new Inbox(run.call.node, run.signal, id)
  const talk = new Talk(run, inbox, options, id)
  let outcome: Outcome | undefined
  try {
    outcome = run.recovered ? await resume(talk, destination) : undefined
    outcome ??= await ring(talk, destination)
    return outcome
  } finally {
    inbox.close()
    const isGone = outcome?.legGone === true && talk.legs.size === 1
    await tearDown(run, id, isGone ? [] : [...talk.legs])
  }
}

async function ring(talk: Talk, destination: Endpoint): Promise<Outcome> {
  const { run, inbox, options } = talk
  const { id } = options
  const { call } = run
  await Promise.all([
    // First, for Asterisk makes the bridge while the leg finds its way into Stasis.
    createLeg(call, id, destination, options.identity),
    ensureBridge(call, id),
  ])
  for (;;) {
    const event = await inbox.next()
    if (event?.type === 'StasisStart') break
    if (event?.type === 'ChannelDestroyed') return { talked: false, status: statusOf(event), legGone: true }
  }
  await join(run, options)
  return untilAnswer(talk, destination)
}

/** Goes on with the leg of an earlier run, if there is one. */
async function resume(talk: Talk, destination: Endpoint): Promise<Outcome | undefined> {
  const { run, options } = talk
  const { id, transfers } = options
  if (transfers?.state.leg !== undefined) return talk.resume(id, destination)
  const leg = await unlessGone(run.call.node.ari.channels.get({ channelId: id }))
  // It hung up while nobody listened, or was never made: whom it called is asked again.
  if (!leg) return options.hadTalked() ? { talked: true, legGone: true } : undefined
  if (leg.state !== 'Up') await join(run, { ...options, stored: Promise.resolve() })
  if (leg.state !== 'Up') return untilAnswer(talk, destination)
  options.talking?.()
  return talk.untilEnd(id, destination)
}

/** Puts both into the bridge and dials. Asterisk takes the requests of one WebSocket in their order. */
async function join(run: Run, options: DialOptions): Promise<void> {
  const { id, identity } = options
  const { call } = run
  const { bridges } = call.node.ari
  const joined = bridges.addChannel({ bridgeId: id, channel: `${call.channelId},${id}` }).catch(again(run))
  const dial = async () => {
    // In the bridge each is told who the other is: what is to be shown instead is said after that.
    if (identity) await joined.then(() => setConnectedLine(call, id, identity))
    await options.stored
    await dialLeg(call, id, options).catch(again(run))
  }
  await Promise.all([joined, dial()])
}

/** What an earlier run has put into the bridge, or dialled, stays as it is: that is 409. */
function again({ recovered }: Run): (error: unknown) => void {
  return (error) => {
    if (!recovered) throw error
    ignoreConflict(error)
  }
}

async function untilAnswer(talk: Talk, destination: Endpoint): Promise<Outcome> {
  const { id, ringSeconds, talking } = talk.options
  const deadline = performance.now() + ringSeconds * 1000
  for (;;) {
    const event = await talk.inbox.next(deadline)
    if (!event) return { talked: false, status: 480, legGone: false }
    if (event.type === 'ChannelDestroyed') return { talked: false, status: statusOf(event), legGone: true }
    if (event.type !== 'ChannelStateChange' || event.channel?.state !== 'Up') continue
    talking?.()
    return talk.untilEnd(id, destination)
  }
}
