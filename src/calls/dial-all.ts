import { cleanUp, unlessGone } from '../ari/connection.ts'
import { Inbox } from '../ari/inbox.ts'
import { ensureBridge, ignoreConflict } from './bridge.ts'
import type { Call } from './call.ts'
import type { Run } from './run.ts'
import { Talk } from './talk.ts'
import { createLeg, dialLeg, statusOf, tearDown, type Endpoint, type DialOptions, type Outcome } from './leg.ts'
import { waitInStasis } from './in-stasis.ts'

/**
 * Rings all destinations at once; who answers first talks with the caller until either hangs up, the others stop
 * ringing. Nobody's early media is passed on, for there could be several: the caller hears ringing.
 */
export async function dialAll(run: Run, destinations: readonly Endpoint[], options: DialOptions): Promise<Outcome> {
  const legs = destinations.map((destination, index) => ({ id: `${options.id}-${index}`, destination }))
  const ids = legs.map(({ id }) => id)
  const { call, signal, recovered } = run
  const inbox = new Inbox(call.node, signal, ...ids)
  const talk = new Talk(run, inbox, options, ...ids)
  try {
    if (recovered && options.transfers?.state.leg !== undefined) return await talk.resume(ids[0]!, destinations[0]!)
    const found = recovered ? await find(call, ids) : undefined
    // They had been talking, and the callee hung up while nobody listened.
    if (found?.size === 0 && options.hadTalked()) return { talked: true, legGone: true }
    const ringing = found?.size ? await dialAgain(call, found, options) : await start(run, legs, options)
    const winner = await firstAnswer(call, ringing, inbox, options)
    if (typeof winner === 'number') return { talked: false, status: winner, legGone: true }
    const others = ids.filter((id) => id !== winner)
    await cleanUp(others.map((channelId) => call.node.ari.channels.hangup({ channelId })))
    if (options.beforeTalk && !(await options.beforeTalk(winner))) return { talked: false, status: 480, legGone: true }
    options.talking?.(ids.indexOf(winner))
    await joinWinner(call, winner, options.id)
    return await talk.untilEnd(winner, legs.find(({ id }) => id === winner)!.destination)
  } finally {
    inbox.close()
    await tearDown(run, options.id, [...talk.legs])
  }
}

interface Leg {
  id: string
  destination: Endpoint
}

/** The legs of an earlier run that live, with their states. */
async function find(call: Call, ids: readonly string[]): Promise<Map<string, string>> {
  const { channels } = call.node.ari
  const found = await Promise.all(ids.map((channelId) => unlessGone(channels.get({ channelId }))))
  return new Map(found.flatMap((leg) => (leg ? [[leg.id, leg.state] as const] : [])))
}

/** Those that were made and not dialled yet; of the others Asterisk says 409. */
async function dialAgain(call: Call, found: Map<string, string>, options: DialOptions): Promise<Map<string, string>> {
  const quiet = [...found].filter(([, state]) => state === 'Down')
  await Promise.all(quiet.map(([id]) => dialLeg(call, id, options).catch(ignoreConflict)))
  return found
}

/** Makes and dials each leg. Answers the ids of those that live. */
async function start(run: Run, legs: readonly Leg[], options: DialOptions): Promise<Map<string, string>> {
  const { call } = run
  await options.stored
  const living = new Map<string, string>()
  await Promise.all(
    legs.map(async ({ id, destination }) => {
      try {
        // Before it is there, Asterisk does not dial it.
        await waitInStasis(run, id, () => createLeg(call, id, destination, options.identity))
        await dialLeg(call, id, options)
        living.set(id, 'Down')
      } catch (error) {
        run.signal.throwIfAborted()
        call.log.warn({ err: error as Error, leg: id }, 'one of several legs could not be made')
      }
    }),
  )
  return living
}

/** The id of the leg that answers first, or the SIP status that says why none did. */
async function firstAnswer(
  call: Call,
  ringing: Map<string, string>,
  inbox: Inbox,
  options: DialOptions,
): Promise<string | number> {
  const up = [...ringing].find(([, state]) => state === 'Up')
  if (up) return up[0]
  const deadline = performance.now() + options.ringSeconds * 1000
  let status = 480
  while (ringing.size > 0) {
    const event = await inbox.next(deadline)
    if (!event) return 480
    const id = event.channel?.id ?? ''
    if (event.type === 'ChannelStateChange' && event.channel?.state === 'Up') return id
    if (event.type === 'ChannelStateChange' && event.channel?.state === 'Ringing' && !call.answered)
      await call.node.ari.channels.ring({ channelId: call.channelId })
    if (event.type === 'ChannelDestroyed') {
      ringing.delete(id)
      status = best(status, statusOf(event))
    }
  }
  return status
}

/** Of several refusals the one that says most (RFC 3261, section 16.7): a 6xx is final, then what is not mere absence. */
function best(one: number, other: number): number {
  if (one >= 600 || other >= 600) return Math.max(one, other)
  return one === 480 ? other : one
}

async function joinWinner(call: Call, winner: string, bridgeId: string): Promise<void> {
  await ensureBridge(call, bridgeId)
  const joined = call.node.ari.bridges.addChannel({ bridgeId, channel: `${call.channelId},${winner}` })
  await Promise.all([call.answer(), joined.catch(ignoreConflict)])
}
