import { setTimeout as delay } from 'node:timers/promises'
import { IsNull } from 'typeorm'
import type { ActiveflowRow } from '../activeflows/activeflow.ts'
import { cleanUp, unlessGone, type AriNode } from '../ari/connection.ts'
import type { AriChannel } from '../ari/types.ts'
import { Call, type CallRow } from '../calls/call.ts'
import { CallRun } from '../calls/run.ts'
import type { RecoveryHouse } from './house.ts'
import { isYoung } from './young.ts'

/** How long the news of the end of a channel may take. */
const newsMs = 1_000

/** A call of ours, against what Asterisk says of its channel: true when it had ended unseen. */
export async function settleCall(call: Call, alive: ReadonlyMap<string, AriChannel>): Promise<boolean> {
  if (!alive.has(call.channelId) && isYoung(call.row.tm_create) && !call.interrupted) return false
  const { channels } = call.node.ari
  const channel = alive.get(call.channelId) ?? (await unlessGone(channels.get({ channelId: call.channelId })))
  if (!channel) {
    // Why it ended is on its way, where it is told at all.
    if (!call.interrupted) await Promise.race([call.ended, delay(newsMs)])
    const isUnseen = !call.hasEnded
    call.end('', 'failed')
    return isUnseen
  }
  call.updateState(channel.state)
  call.resume()
  call.hangupAgain()
  return false
}

/** The calls that an earlier process has left. */
export async function leftCalls(node: AriNode, { database, liveCalls }: RecoveryHouse): Promise<CallRow[]> {
  const carried = new Set(liveCalls.of(node).map(({ id }) => id))
  // By name: the entities are declared in resources/, as what the API shows.
  const rows = await database.getRepository<CallRow>('calls').findBy({ node: node.name, tm_hangup: IsNull() })
  return rows.filter(({ id }) => !carried.has(id) && !liveCalls.has(id))
}

/**
 * Carries on a call of an earlier process (true), or records that it ended meanwhile (false). Of a row that cannot be seen
 * to now (undefined) the next comparison tries again; it holds up no other.
 */
export async function recoverCall(row: CallRow, node: AriNode, house: RecoveryHouse): Promise<boolean | undefined> {
  const call = Object.assign(new Call(row, node, house.calls), { stored: true })
  try {
    // Asked now that its events are heard.
    const channel = await unlessGone(node.ari.channels.get({ channelId: row.channel_id }))
    return await carryOn(call, channel, house)
  } catch (error) {
    call.release()
    house.calls.log.warn({ err: error as Error, call: row.id }, 'a call was not recovered; it is tried again')
    return undefined
  }
}

async function carryOn(call: Call, channel: AriChannel | undefined, house: RecoveryHouse): Promise<boolean> {
  const { activeflows, database, inbound, limits, liveCalls, outgoing } = house
  const run = new CallRun(call, call)
  const stored = await database.getRepository<ActiveflowRow>('activeflows').findOneBy({ id: call.row.activeflow_id })
  // The row of a caller's call is enough for its first action: what it dialled says which.
  const row = stored ?? (channel && !call.outgoing ? await inbound.activeflow(call) : undefined)
  if (!channel || !row || row.status === 'ended' || call.hangingUp) {
    if (channel) await cleanUp([call.node.ari.channels.hangup({ channelId: channel.id })])
    call.end('', 'failed')
    if (row?.status === 'running') {
      const last = row.executed_actions.at(-1)
      if (last?.tm_end === null) Object.assign(last, { result: 'the call had ended while Hashdial was away' })
      await activeflows.end(run, row)
    }
    return false
  }
  run.recovered = true
  limits.count(call)
  call.updateState(channel.state)
  const flow = activeflows.flowOf(run, row, true)
  liveCalls.add(call, call.outgoing ? outgoing.run(call, flow) : flow.run())
  return true
}
