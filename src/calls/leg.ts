import { cleanUp } from '../ari/connection.ts'
import type { AriEvent } from '../ari/types.ts'
import type { Call } from './call.ts'
import { refusalStatus } from './causes.ts'
import type { Endpoint } from './endpoint.ts'
import { livesOn, type Run } from './run.ts'
import { fromDomain, stamp } from './stamp.ts'

/** A transfer that is under way: the leg that is made for it, and where that goes. */
export interface PendingTransfer {
  id: string
  to: Endpoint
}

/** What a run after a crash has to know of transfers: they are kept in the memory of the action. */
export interface TransferState {
  /** How many there were, which names the legs. */
  count?: number
  /** The leg that the caller talks with, where it is not the first, and where it goes. */
  leg?: string
  to?: Endpoint
  pending?: PendingTransfer
}

export interface Transfers {
  readonly state: TransferState
  save(): Promise<void>
  /** Where whoever was called at `by` may send the caller by this user part of an address; undefined: nowhere. */
  resolve(by: Endpoint, user: string): Promise<Endpoint | undefined>
}

export type { Endpoint } from './endpoint.ts'

/** What became of the two: they talked and the callee hung up, or he was never reached (`status`: SIP). */
export type Outcome = { talked: true; legGone: true } | { talked: false; status: number; legGone: boolean }

export interface DialOptions {
  /** Deterministic: the same after a crash, so that what exists is found and not made twice. */
  id: string
  ringSeconds: number
  /** Waited for before the leg is dialled: until then nobody outside has seen anything. */
  stored: Promise<void>
  /** Somebody answers, and the two talk: who, by the place in the list of those that ring. */
  talking?: (index?: number) => void
  /** After a crash: they had been talking, so a leg that is gone was not refused. */
  hadTalked: () => boolean
  /** What is done with the leg that has answered, before the two are connected. False: it is gone. */
  beforeTalk?: (leg: string) => Promise<boolean>
  /** Who is said to be calling, as channel variables; without it, the caller. */
  identity?: Record<string, string> | undefined
  /** The one who was called may send the caller elsewhere. */
  transfers?: Transfers
}

/** Makes a leg: a channel that finds its way into Stasis, and is not dialled yet. It may be the call's own. */
export async function createLeg(
  call: Call,
  id: string,
  { endpoint, next, domain }: Endpoint,
  identity: DialOptions['identity'],
) {
  const leg = { endpoint, app: call.node.application, appArgs: 'leg', channelId: id }
  const originator = id === call.channelId ? {} : { originator: call.channelId }
  const from = domain ?? call.trail.domain ?? call.house.domain
  const variables = { ...fromDomain(from), ...identity, ...stamp(call.row.customer_id, call.trail, next) }
  const { devices } = call.house
  const watched = devices.leg(call.node, id, endpoint)
  await call.node.ari.channels.create({ ...leg, ...originator, variables }).catch((error: unknown) => {
    if (watched) devices.gone(watched)
    throw error
  })
}

/** Shows a leg who is said to be calling, in place of who is in the bridge with it. */
export async function setConnectedLine(
  { node }: Call,
  channelId: string,
  identity: Record<string, string>,
): Promise<void> {
  // A header that was added is there still.
  const lines = Object.entries(identity).filter(([variable]) => variable.startsWith('CONNECTEDLINE'))
  await Promise.all(lines.map(([variable, value]) => node.ari.channels.setChannelVar({ channelId, variable, value })))
}

/** Dials it. Asterisk shows the number of who is named as its caller, in place of any other. */
export async function dialLeg(call: Call, id: string, options: Pick<DialOptions, 'identity' | 'ringSeconds'>) {
  const caller = options.identity || id === call.channelId ? {} : { caller: call.channelId }
  // A margin over our own limit: Asterisk's is for the case that nobody is left to enforce ours.
  await call.node.ari.channels.dial({ channelId: id, ...caller, timeout: options.ringSeconds + 5 })
}

/** The SIP status of a leg that ended before it was answered. */
export function statusOf(event: AriEvent): number {
  return refusalStatus(event.cause ?? 0, event.tech_cause)
}

/** Ends what was made. An interrupted call may be talking: it is left as it is, for the next run to find. */
export async function tearDown(run: Run, bridgeId: string, legIds: readonly string[]) {
  if (livesOn(run)) return
  const { ari } = run.call.node
  const legs = legIds.map((channelId) => ari.channels.hangup({ channelId }))
  await cleanUp([...legs, ari.bridges.destroy({ bridgeId })])
}
