import { runActiveflow } from './activeflows/run.ts'
import { createActiveflow, type ActiveflowRow, type FlowReference } from './activeflows/activeflow.ts'
import { owner, type Door } from './activeflows/reconcile.ts'
import { takeOver } from './activeflows/trial.ts'
import type { AriNode } from './ari/connection.ts'
import type { AriChannel, AriEvent } from './ari/types.ts'
import { Call, type Exchange } from './calls/call.ts'
import { limitColumns, type CustomerLimits } from './calls/limits.ts'
import { numberOf, trailOf } from './calls/stamp.ts'
import type { Switchboard } from './calls/switchboard.ts'
import { databaseState, findRow } from './database.ts'
import { stepsOut } from './resources/outbound.ts'
import { dialable } from './resources/index.ts'
import type { DialableRow, Resource } from './resources/resource.ts'

const address = /^([a-z]+)\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

interface Named {
  name?: string
  username?: string
  number?: string
}

/**
 * The ways in for a caller. Kamailio has turned the address that was dialled into `<resource type>.<id>`; the resource's
 * short list of actions becomes an activeflow. `stasisStart` is THE listener for that event.
 */
export function createDoor(
  exchange: Exchange,
  switchboard: Switchboard,
): Door & { stasisStart: (node: AriNode, event: AriEvent) => void } {
  const admit = (node: AriNode, channel: AriChannel, args: string[], wasThere = false) => {
    const [dialled = '', sipCallId = '', told = ''] = args
    if (switchboard.hasChannel(channel.id)) return
    const call = Call.incoming(node, channel, exchange, { sip_call_id: sipCallId.slice(0, 255) })
    if (wasThere) takeOver(call)
    switchboard.add(call, begin(call, dialled, told))
  }
  return {
    stasisStart(node, { args = [], channel }) {
      // A leg that we made ourselves: whoever made it waits for this event. (One of externalMedia has no arguments.)
      if (args[0] !== 'leg' && channel && !owner(channel.id)) admit(node, channel, args)
    },
    admit: (node, channel) => admit(node, channel, [channel.dialplan.exten], true),
    activeflow: async (call) => {
      const { source, destination } = call.row
      const found =
        destination.type === 'tel'
          ? outwardFor(call, source.target, destination.target)
          : activeflowFor(call, destination.type, destination.target)
      return (await found)?.flow
    },
  }
}

/** Runs a new call from its first moment to its end. Never rejects. */
async function begin(call: Call, dialled: string, told: string): Promise<void> {
  try {
    // Nobody waits to be told so, and calls that could not be remembered are not begun.
    if (databaseState(call.exchange.database) !== 'ok') return await call.hangup('failed', 503)
    const [, type = '', id = ''] = address.exec(dialled) ?? []
    call.trail = trailOf(told, id)
    const found = await (type === 'outbound' ? outwardFor(call, id, numberOf(told)) : activeflowFor(call, type, id))
    if (!found) await call.refuse(404)
    else if (!call.exchange.limits.admit(call, found.limits)) await call.refuse(486)
    else await runActiveflow(call, found.flow)
  } catch (error) {
    call.log.error({ err: error as Error, channel: call.channelId }, 'a call could not be begun')
    await call.hangup('failed', 503).catch(() => undefined)
  }
}

interface Begun {
  flow: ActiveflowRow
  limits: CustomerLimits
}

/** What runs for a number that an extension has dialled: Kamailio has seen that it may (hashdial-call.cfg). */
async function outwardFor(call: Call, id: string, number: string): Promise<Begun | undefined> {
  const caller = await find(call, 'extension', id)
  if (!caller) return undefined
  const { customer_id } = caller.row
  call.row.customer_id = customer_id
  call.row.source = { type: 'extension', target: id, target_name: (caller.row as Named).username ?? '' }
  call.row.destination = { type: 'tel', target: number, target_name: '' }
  const steps = await stepsOut(call.exchange.database, customer_id, number)
  return { flow: createActiveflow(call, steps, null), limits: caller.customer }
}

/** What runs for a call to this resource; undefined when there is no such resource, or it leads nowhere. */
async function activeflowFor(call: Call, type: string, id: string): Promise<Begun | undefined> {
  const dialled = await find(call, type, id)
  if (!dialled) return undefined
  const { username, number, name = '' } = dialled.row as Named
  call.row.customer_id = dialled.row.customer_id
  call.row.destination = { type, target: id, target_name: username ?? number ?? name }
  if (number !== undefined) call.row.source.type = 'tel'
  const way = dialled.resource.leadsTo?.(dialled.row)
  const last = way ? await find(call, way.type, way.id) : dialled
  if (!last?.resource.steps) return undefined
  const flow = last.resource.type === 'flow' ? (last.row as DialableRow & FlowReference) : null
  return { flow: createActiveflow(call, last.resource.steps(last.row), flow), limits: dialled.customer }
}

async function find(call: Call, type: string, id: string): Promise<Found | undefined> {
  const resource = dialable(type)
  const found = resource && (await findRow(call.exchange.database, resource.entity, id, limitColumns))
  return found && { resource, ...found }
}

interface Found {
  resource: Resource<DialableRow>
  row: DialableRow
  customer: CustomerLimits
}
