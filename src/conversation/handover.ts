import { cleanUp } from '../ari/connection.ts'
import { Inbox } from '../ari/inbox.ts'
import { expandAgents, resolveAll, type Callee } from '../calls/agents.ts'
import { dialAll } from '../calls/dial-all.ts'
import type { Directory } from '../calls/directory.ts'
import type { Outcome } from '../calls/leg.ts'
import type { Limits } from '../calls/limits.ts'
import { callerIdOf, presentationNumber, type ResolvedDestination } from '../calls/party.ts'
import { transfersOf } from '../calls/transfers.ts'
import type { KeptRun } from '../calls/run.ts'
import { playToLeg } from '../media/leg-sound.ts'
import type { Sounds } from '../media/sounds.ts'
import type { NamedDestination } from './row.ts'

export interface HandoverHouse extends Directory {
  readonly limits: Limits
  readonly ringSeconds: number
  readonly sounds: Sounds
}

/** What is kept of one that is under way: after a crash the same legs are found. */
export interface Handover {
  readonly number: number
  readonly parties: ResolvedDestination[]
  /** What they are told before they accept; '': they are connected at once. */
  readonly brief: string
  talked?: boolean
}

const acceptKey = '1'
/** How long somebody has to accept after they have heard what it is about, in milliseconds; they hear it twice. */
const acceptMs = 6_000

/** Whom a destination means now. Rejects with nothing: an empty list is nobody. */
export async function partiesOf(
  house: Directory,
  customerId: string,
  { type, target, target_name }: NamedDestination,
): Promise<ResolvedDestination[]> {
  const callee = { type, ...(target && { target }), ...(target_name && { target_name }) } as Callee
  const expanded = await expandAgents(house, customerId, [callee])
  return (await resolveAll(house, customerId, expanded)).found
}

/**
 * Rings them, tells them what it is about, and connects the caller with who accepts, until either hangs up. The caller
 * hears music meanwhile. Throws the run's reason when the call ends.
 */
export async function handOver(run: KeptRun, house: HandoverHouse, handover: Handover): Promise<Outcome> {
  const { call, recovered } = run
  const { limits, ringSeconds } = house
  const { brief, number, parties } = handover
  const { customer_id } = call.row
  const outward = parties.filter((party) => party.outward).length
  if (outward > 0 && !recovered) limits.takeRate(customer_id, outward)
  const done = limits.takeLegs(customer_id, parties.length, recovered)
  const music = call.node.ari.channels
  const { channelId } = call
  const address = presentationNumber(
    call.row,
    parties.map((party) => party.address),
  )
  await cleanUp([music.startMoh({ channelId })])
  try {
    return await dialAll(run, parties, {
      ...{ id: `ai_connect-${run.id}-${number}`, ringSeconds, stored: run.save() },
      identity: callerIdOf(address && { address, domain: call.house.domain }),
      hadTalked: () => handover.talked === true,
      transfers: transfersOf(run, house),
      ...(brief !== '' && !handover.talked && { beforeTalk: (leg: string) => accepts(run, house, leg, brief) }),
      talking() {
        handover.talked = true
        void cleanUp([music.stopMoh({ channelId })])
        run.save().catch((err: Error) => call.log.warn({ err }, 'that two talk could not be noted'))
      },
    })
  } finally {
    done()
    if (!handover.talked) await cleanUp([music.stopMoh({ channelId })])
  }
}

/** Tells somebody who has answered who is there, and waits for the key by which they accept. */
async function accepts(run: KeptRun, house: HandoverHouse, leg: string, brief: string): Promise<boolean> {
  const { call, signal } = run
  const inbox = new Inbox(call.node, signal, leg)
  const decided = untilAccepted(inbox).catch(() => false)
  const stop = new AbortController()
  void decided.then(() => stop.abort())
  try {
    const media = await house.sounds.speak({ provider: '', text: brief }, signal, call.row.customer_id)
    for (let times = 0; times < 2 && !stop.signal.aborted; times++) {
      await playToLeg(call.node, leg, media, AbortSignal.any([signal, stop.signal])).catch(() => undefined)
      await Promise.race([decided, new Promise((resolve) => setTimeout(resolve, acceptMs))])
    }
    signal.throwIfAborted()
    return stop.signal.aborted && (await decided)
  } finally {
    inbox.close()
  }
}

/** False: they have hung up. */
async function untilAccepted(inbox: Inbox): Promise<boolean> {
  for (;;) {
    const event = await inbox.next()
    if (event?.type === 'ChannelDestroyed') return false
    if (event?.type === 'ChannelDtmfReceived' && event.digit === acceptKey) return true
  }
}
