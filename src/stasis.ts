import { runActiveflow } from './activeflows/run.ts'
import { createActiveflow, type ActiveflowRow, type FlowReference } from './activeflows/activeflow.ts'
import { owner, type Door } from './activeflows/reconcile.ts'
import { takeOver } from './activeflows/trial.ts'
import type { AriNode } from './ari/connection.ts'
import type { AriChannel, AriEvent } from './ari/types.ts'
import { Call, type Exchange } from './calls/call.ts'
import type { Switchboard } from './calls/switchboard.ts'
import { findRow } from './database.ts'
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
  const admit = (node: AriNode, channel: AriChannel, dialled: string, sipCallId: string, wasThere = false) => {
    if (switchboard.hasChannel(channel.id)) return
    const call = Call.incoming(node, channel, exchange, { sip_call_id: sipCallId.slice(0, 255) })
    if (wasThere) takeOver(call)
    switchboard.add(call, begin(call, dialled))
  }
  return {
    stasisStart(node, { args: [dialled = '', sipCallId = ''] = [], channel }) {
      // A leg that we made ourselves: whoever made it waits for this event. (One of externalMedia has no arguments.)
      if (dialled !== 'leg' && channel && !owner(channel.id)) admit(node, channel, dialled, sipCallId)
    },
    admit: (node, channel) => admit(node, channel, channel.dialplan.exten, '', true),
    activeflow: (call) => activeflowFor(call, call.row.destination.type, call.row.destination.target),
  }
}

/** Runs a new call from its first moment to its end. Never rejects. */
async function begin(call: Call, dialled: string): Promise<void> {
  try {
    const [, type = '', id = ''] = address.exec(dialled) ?? []
    const flow = await activeflowFor(call, type, id)
    await (flow ? runActiveflow(call, flow) : call.refuse(404))
  } catch (error) {
    call.log.error({ err: error as Error, channel: call.channelId }, 'a call could not be begun')
    await call.hangup('failed', 503).catch(() => undefined)
  }
}

/** What runs for a call to this resource; undefined when there is no such resource, or it leads nowhere. */
async function activeflowFor(call: Call, type: string, id: string): Promise<ActiveflowRow | undefined> {
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
  return createActiveflow(call, last.resource.steps(last.row), flow)
}

async function find(call: Call, type: string, id: string): Promise<Found | undefined> {
  const resource = dialable(type)
  const row = resource && (await findRow(call.exchange.database, resource.entity, id))
  return row && { resource, row }
}

interface Found {
  resource: Resource<DialableRow>
  row: DialableRow
}
