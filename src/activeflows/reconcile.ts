import { IsNull } from 'typeorm'
import { cleanUp, unlessGone, type AriNode } from '../ari/connection.ts'
import type { AriChannel } from '../ari/types.ts'
import { Call, type CallRow, type Exchange } from '../calls/call.ts'
import type { Switchboard } from '../calls/switchboard.ts'
import type { ActiveflowRow } from './activeflow.ts'
import { runActiveflow } from './run.ts'
import { takeOver } from './trial.ts'

/** What a reconciliation found and mended. */
export interface Repairs {
  /** Calls of an earlier process that are carried on. */
  recovered: number
  /** Calls whose channel had gone. */
  ended: number
  /** Channels and bridges that belonged to no call. */
  removed: number
}

/** What a reconciliation needs of the door, which is above us. */
export interface Door {
  /** For a caller who came in while no process was there to hear of it. */
  admit: (node: AriNode, channel: AriChannel) => void
  /** The activeflow that the call's destination begins with; undefined when that is gone. */
  activeflow: (call: Call) => Promise<ActiveflowRow | undefined>
}

/** Asterisk needs a moment to tell of a new channel; younger ones are left alone. */
const youth = 5_000

/**
 * Makes what is in Asterisk, in memory and in MySQL agree again: after a connect, for events were missed, and from time
 * to time. Asterisk decides which calls are alive; its StasisStart is not sent again for a channel that it has.
 */
export async function reconcile(
  node: AriNode,
  exchange: Exchange,
  switchboard: Switchboard,
  door: Door,
): Promise<Repairs> {
  const [channels, bridges, app] = await Promise.all([
    node.ari.channels.list(),
    node.ari.bridges.list(),
    node.ari.applications.get({ applicationName: node.application }),
  ])
  const alive = new Map(channels.map((channel) => [channel.id, channel]))
  const repairs = { recovered: 0, ended: 0, removed: 0 }
  for (const call of switchboard.of(node)) repairs.ended += settle(call, alive)
  const carried = new Set(switchboard.of(node).map(({ id }) => id))
  const goOn = await exchange.outgoing.adopt(node, exchange)
  // By name: the entities are declared above us, in resources/.
  const rows = await exchange.database.getRepository<CallRow>('calls').findBy({ node: node.name, tm_hangup: IsNull() })
  for (const row of rows.filter(({ id }) => !carried.has(id) && !switchboard.has(id))) {
    const call = Object.assign(new Call(row, node, exchange), { stored: true })
    // Asked again now that its events are heard: it may have ended since the list was made.
    const channel = alive.has(row.channel_id)
      ? await unlessGone(node.ari.channels.get({ channelId: row.channel_id }))
      : undefined
    if (await recover(call, channel, switchboard, door)) repairs.recovered++
    else repairs.ended++
  }
  goOn()
  switchboard.dropChained(node)
  repairs.recovered += await exchange.errands.recover(node, exchange)
  const mine = new Set(switchboard.of(node).map(({ row }) => row.activeflow_id))
  const unknown = channels.filter(({ id }) => app.channel_ids.includes(id) && !switchboard.hasChannel(id))
  for (const channel of unknown.filter(isWaiting)) door.admit(node, channel)
  const orphans = unknown.filter((channel) => isOrphan(channel, mine)).map(({ id }) => id)
  const hollow = bridges.filter(({ id }) => owner(id) && !mine.has(owner(id)!)).map(({ id }) => id)
  await cleanUp([
    ...orphans.map((channelId) => node.ari.channels.hangup({ channelId })),
    ...hollow.map((bridgeId) => node.ari.bridges.destroy({ bridgeId })),
  ])
  repairs.removed = orphans.length + hollow.length
  return repairs
}

/** A call of ours, against what Asterisk says of its channel: 1 when it had ended unseen. */
function settle(call: Call, alive: Map<string, AriChannel>): number {
  const channel = alive.get(call.channelId)
  if (!channel) {
    if (Date.now() - Date.parse(call.row.tm_create) < youth && !call.interrupted) return 0
    call.end('', 'failed')
    return 1
  }
  call.see(channel.state)
  call.resume()
  return 0
}

/** Carries on a call of an earlier process, or records that it ended meanwhile (false). */
async function recover(
  call: Call,
  channel: AriChannel | undefined,
  switchboard: Switchboard,
  door: Door,
): Promise<boolean> {
  const flows = call.exchange.database.getRepository<ActiveflowRow>('activeflows')
  // The row of a caller's call is enough for its first action: what it dialled says which.
  const stored = await flows.findOneBy({ id: call.row.activeflow_id })
  const flow = stored ?? (channel && !call.outgoing ? await door.activeflow(call) : undefined)
  if (!channel || !flow || flow.status === 'ended' || call.ending) {
    if (channel) await cleanUp([call.node.ari.channels.hangup({ channelId: channel.id })])
    call.end('', 'failed')
    if (flow?.status === 'running') await endActiveflow(call, flow)
    return false
  }
  call.recovered = true
  call.exchange.limits.count(call)
  takeOver(call)
  call.see(channel.state)
  switchboard.add(call, call.outgoing ? call.exchange.outgoing.run(call, flow) : runActiveflow(call, flow))
  return true
}

async function endActiveflow(call: Call, flow: ActiveflowRow): Promise<void> {
  const last = flow.executed_actions.at(-1)
  if (last?.tm_end === null) Object.assign(last, { result: 'the call had ended while Hashdial was away' })
  await call.exchange.errands.end(call, flow)
}

/** A caller whose StasisStart went to a process that died: he waits, and nobody has begun anything for him. */
function isWaiting({ id, state }: AriChannel): boolean {
  return state === 'Ring' && !owner(id)
}

/** A leg whose activeflow does not run here, or a channel of a call that was never recorded. */
function isOrphan(channel: AriChannel, mine: Set<string>): boolean {
  const activeflow = owner(channel.id)
  if (activeflow) return !mine.has(activeflow)
  return !isWaiting(channel) && Date.now() - Date.parse(channel.creationtime) > youth
}

/** The activeflow in a name that we gave: `connect-<activeflow>-<place>`. */
export function owner(id: string): string | undefined {
  return /^[a-z_]+-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-\d+/.exec(id)?.[1]
}
