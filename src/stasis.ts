import { runActiveflow } from './activeflows/run.ts'
import { createActiveflow } from './activeflows/activeflow.ts'
import type { AriNode } from './ari/connection.ts'
import type { AriChannel, AriEvent } from './ari/types.ts'
import { Call, type Exchange } from './calls/call.ts'
import type { Switchboard } from './calls/switchboard.ts'
import { dialable, type DialableResource } from './resources/index.ts'

const address = /^([a-z]+)\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

interface Row {
  id: string
  customer_id: string
  name?: string
  username?: string
}

/** The ways in for a caller. */
export interface Door {
  /** THE listener for StasisStart. */
  stasisStart: (node: AriNode, event: AriEvent) => void
  /** For a caller who came in while no process was there to hear of it. */
  admit: (node: AriNode, channel: AriChannel) => void
}

/**
 * Kamailio has turned the address that was dialled into `<resource type>.<id>`; the
 * resource's short list of actions becomes an activeflow.
 */
export function createDoor(exchange: Exchange, switchboard: Switchboard): Door {
  const admit = (node: AriNode, channel: AriChannel, dialled: string, sipCallId: string) => {
    if (switchboard.hasChannel(channel.id)) return
    const call = Call.incoming(node, channel, exchange, { sip_call_id: sipCallId.slice(0, 255) })
    switchboard.add(call, begin(call, dialled))
  }
  return {
    stasisStart(node, { args: [dialled = '', sipCallId = ''] = [], channel }) {
      // A leg that we made ourselves: whoever made it waits for this event.
      if (dialled !== 'leg' && channel) admit(node, channel, dialled, sipCallId)
    },
    admit: (node, channel) => admit(node, channel, channel.dialplan.exten, ''),
  }
}

/** Runs a new call from its first moment to its end. Never rejects. */
async function begin(call: Call, dialled: string): Promise<void> {
  try {
    const [, type = '', id = ''] = address.exec(dialled) ?? []
    const resource = dialable(type)
    const row = resource && (await find(call, resource, id))
    if (!row) return await call.refuse(404)
    call.row.customer_id = row.customer_id
    call.row.destination = { type, target: row.id, target_name: row.username ?? row.name ?? '' }
    await runActiveflow(call, createActiveflow(call, resource.steps(row), type === 'flow' ? row.id : null))
  } catch (error) {
    call.log.error({ err: error as Error, channel: call.channelId }, 'a call could not be begun')
    await call.hangup('failed', 503).catch(() => undefined)
  }
}

async function find(call: Call, resource: DialableResource<Row>, id: string): Promise<Row | null> {
  return call.exchange.database.getRepository(resource.entity).findOneBy({ id })
}
