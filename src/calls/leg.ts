import { cleanUp } from '../ari/connection.ts'
import type { Inbox } from '../ari/inbox.ts'
import type { AriEvent } from '../ari/types.ts'
import type { Call } from './call.ts'
import { refusalStatus } from './causes.ts'
import { livesOn, type Run } from './run.ts'
import { fromDomain, stamp } from './stamp.ts'

/** Where a leg goes: an endpoint of Asterisk (`PJSIP/hashdial/sip:1001@…`). */
export interface Endpoint {
  endpoint: string
  /** Of an address outside: what its name stands for, as `192.0.2.7:5060/udp`. */
  next?: string
  /** The domain that its From has, in place of the caller's. */
  domain?: string
}

/** What became of the two: they talked and the callee hung up, or he was never reached (`status`: SIP). */
export type Outcome = { talked: true; legGone: true } | { talked: false; status: number; legGone: boolean }

export interface DialOptions {
  /** Deterministic: the same after a crash, so that what exists is found and not made twice. */
  id: string
  ringSeconds: number
  /** Waited for before the leg is dialled: until then nobody outside has seen anything. */
  stored: Promise<void>
  /** Somebody answers, and the two talk. */
  talking?: () => void
  /** After a crash: they had been talking, so a leg that is gone was not refused. */
  hadTalked: () => boolean
  /** Who is said to be calling, as channel variables; without it, the caller. */
  identity?: Record<string, string> | undefined
}

/** How long after the answer the caller is looked at, and at most between two looks, in milliseconds. */
const firstLookMs = 1_000
const lookMsMax = 60_000

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
  await call.node.ari.channels.create({ ...leg, ...originator, variables })
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

/** The callee's end; the caller's aborts the signal, and `next` throws its reason. */
export async function untilEnd(call: Call, inbox: Inbox, legId: string): Promise<Outcome> {
  for (let pause = firstLookMs; ; pause = Math.min(pause * 2, lookMsMax)) {
    const look = performance.now() + pause
    for (let event; (event = await inbox.next(look));)
      if (event.type === 'ChannelDestroyed' && event.channel?.id === legId) return { talked: true, legGone: true }
    await lookAtCaller(call)
  }
}

/**
 * A CANCEL that crosses the callee's answer can end the caller's SIP session while Asterisk answers the caller in the
 * bridge: ast_answer() then takes the hangup off the channel's queue, and the bridge, which hears no more of a caller who
 * is gone, waits for ever. Any command makes Stasis look for itself whether the channel has hung up (res_stasis.c), and
 * this one does nothing else to a caller who was answered.
 */
async function lookAtCaller({ node, channelId }: Call): Promise<void> {
  await cleanUp([node.ari.channels.ringStop({ channelId })])
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
