import { setTimeout as delay } from 'node:timers/promises'
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
const youngMs = 5_000

/** How long the news of the end of a channel may take. */
const newsMs = 1_000

/**
 * Makes what is in Asterisk, in memory and in MySQL agree again: after a connect, for events were missed, and from time
 * to time. Asterisk decides which calls are alive; its StasisStart is not sent again for a channel that it has. The lists
 * are old when they are compared, so Asterisk is asked again before anything is done about one of them.
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
  const settled = await Promise.all(switchboard.of(node).map((call) => settle(call, alive)))
  const repairs = { recovered: 0, ended: settled.filter(Boolean).length, removed: 0 }
  const goOn = await exchange.outgoing.adopt(node, exchange)
  const left: CallRow[] = []
  for (const row of await rowsOf(node, exchange, switchboard)) {
    const recovered = await recoverRow(row, node, exchange, switchboard, door)
    if (recovered === undefined) left.push(row)
    else repairs[recovered ? 'recovered' : 'ended']++
  }
  goOn()
  switchboard.dropChained(node)
  repairs.recovered += await exchange.errands.recover(node, exchange)
  const mine = new Set([...switchboard.of(node).map(({ row }) => row), ...left].map((row) => row.activeflow_id))
  const isKnown = (id: string) => switchboard.hasChannel(id) || left.some(({ channel_id }) => channel_id === id)
  const unknown = channels.filter(({ id }) => app.channel_ids.includes(id) && !isKnown(id))
  await Promise.all(unknown.filter(isWaiting).map((channel) => admitIfThere(node, channel.id, switchboard, door)))
  const orphans = unknown.filter((channel) => isOrphan(channel, mine)).map(({ id }) => id)
  const hollow = bridges.filter(({ id }) => owner(id) && !mine.has(owner(id)!)).map(({ id }) => id)
  await cleanUp([
    ...orphans.map((channelId) => node.ari.channels.hangup({ channelId })),
    ...hollow.map((bridgeId) => node.ari.bridges.destroy({ bridgeId })),
  ])
  repairs.removed = orphans.length + hollow.length
  return repairs
}

/** The calls that an earlier process has left. */
async function rowsOf(node: AriNode, { database }: Exchange, switchboard: Switchboard): Promise<CallRow[]> {
  const carried = new Set(switchboard.of(node).map(({ id }) => id))
  // By name: the entities are declared above us, in resources/.
  const rows = await database.getRepository<CallRow>('calls').findBy({ node: node.name, tm_hangup: IsNull() })
  return rows.filter(({ id }) => !carried.has(id) && !switchboard.has(id))
}

/** A caller who hung up meanwhile is nobody to be served, and one whose StasisStart came meanwhile is served already. */
async function admitIfThere(node: AriNode, channelId: string, switchboard: Switchboard, door: Door): Promise<void> {
  const channel = await unlessGone(node.ari.channels.get({ channelId }))
  if (channel && isWaiting(channel) && !switchboard.hasChannel(channelId)) door.admit(node, channel)
}

/** A call of ours, against what Asterisk says of its channel: true when it had ended unseen. */
async function settle(call: Call, alive: Map<string, AriChannel>): Promise<boolean> {
  if (!alive.has(call.channelId) && isYoung(call.row.tm_create) && !call.interrupted) return false
  const { channels } = call.node.ari
  const channel = alive.get(call.channelId) ?? (await unlessGone(channels.get({ channelId: call.channelId })))
  if (!channel) {
    // Why it ended is on its way, where it is told at all.
    if (!call.interrupted) await Promise.race([call.over, delay(newsMs)])
    const isUnseen = !call.ended
    call.end('', 'failed')
    return isUnseen
  }
  call.see(channel.state)
  call.resume()
  call.hangupAgain()
  return false
}

/** Of a row that cannot be seen to now, the next comparison tries again; it holds up no other. */
async function recoverRow(
  row: CallRow,
  node: AriNode,
  exchange: Exchange,
  switchboard: Switchboard,
  door: Door,
): Promise<boolean | undefined> {
  const call = Object.assign(new Call(row, node, exchange), { stored: true })
  try {
    // Asked now that its events are heard.
    const channel = await unlessGone(node.ari.channels.get({ channelId: row.channel_id }))
    return await recover(call, channel, switchboard, door)
  } catch (error) {
    call.release()
    exchange.log.warn({ err: error as Error, call: row.id }, 'a call was not recovered; it is tried again')
    return undefined
  }
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
  return !isWaiting(channel) && !isYoung(channel.creationtime)
}

const isYoung = (time: string): boolean => Date.now() - Date.parse(time) < youngMs

/** The activeflow in a name that we gave: `connect-<activeflow>-<place>`. */
export function owner(id: string): string | undefined {
  return /^[a-z_]+-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-\d+/.exec(id)?.[1]
}
