import { cleanUp, unlessGone } from '../ari/connection.ts'
import { Inbox } from '../ari/inbox.ts'
import type { Call } from './call.ts'
import { refusalStatus } from './causes.ts'
import type { Destination, DialOptions, Outcome } from './dial.ts'

/**
 * Rings all destinations at once; who answers first talks with the caller until either hangs up, the others stop
 * ringing. Nobody's early media is passed on, for there could be several: the caller hears ringing.
 */
export async function dialAll(
  call: Call,
  destinations: readonly Destination[],
  options: DialOptions,
): Promise<Outcome> {
  const legs = destinations.map(({ endpoint }, index) => ({ id: `${options.id}-${index}`, endpoint }))
  const inbox = new Inbox(call.node, call.signal, ...legs.map(({ id }) => id))
  try {
    const ringing = await start(call, legs, options)
    const winner = await firstAnswer(call, ringing, inbox, options)
    if (typeof winner === 'number') return { talked: false, status: winner, legGone: true }
    await hangUp(
      call,
      legs.map(({ id }) => id).filter((id) => id !== winner),
    )
    await talk(call, winner, options.id)
    for (;;) {
      const event = await inbox.next()
      if (event?.type === 'ChannelDestroyed' && event.channel?.id === winner) return { talked: true, legGone: true }
    }
  } finally {
    inbox.close()
    if (!call.interrupted) {
      await hangUp(
        call,
        legs.map(({ id }) => id),
      )
      await cleanUp([call.node.ari.bridges.destroy({ bridgeId: options.id })])
    }
  }
}

interface Leg {
  id: string
  endpoint: string
}

/** Makes and dials each leg, or finds that of an earlier run. Answers the ids of those that live, and who is up. */
async function start(call: Call, legs: readonly Leg[], options: DialOptions): Promise<Map<string, string>> {
  await options.stored
  const { channels } = call.node.ari
  const found = call.recovered
    ? await Promise.all(legs.map(({ id }) => unlessGone(channels.get({ channelId: id }))))
    : legs.map(() => undefined)
  const living = new Map(found.flatMap((leg) => (leg ? [[leg.id, leg.state] as const] : [])))
  if (living.size > 0) return living
  await Promise.all(
    legs.map(async ({ id, endpoint }) => {
      try {
        await channels.create({
          endpoint,
          app: call.node.application,
          appArgs: 'leg',
          channelId: id,
          originator: call.channelId,
        })
        await channels.dial({ channelId: id, caller: call.channelId, timeout: options.ringSeconds + 5 })
        living.set(id, 'Down')
      } catch (error) {
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
      status = best(status, refusalStatus(event.cause ?? 0, event.tech_cause))
    }
  }
  return status
}

/** Of several refusals the one that says most (RFC 3261, section 16.7): a 6xx is final, then what is not mere absence. */
function best(one: number, other: number): number {
  if (one >= 600 || other >= 600) return Math.max(one, other)
  return one === 480 ? other : one
}

async function talk(call: Call, winner: string, bridgeId: string): Promise<void> {
  const { ari } = call.node
  await ari.bridges.createWithId({ bridgeId, type: 'mixing' })
  await Promise.all([call.answer(), ari.bridges.addChannel({ bridgeId, channel: `${call.channelId},${winner}` })])
}

async function hangUp(call: Call, ids: readonly string[]): Promise<void> {
  await cleanUp(ids.map((channelId) => call.node.ari.channels.hangup({ channelId })))
}
