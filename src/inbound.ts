import { createActiveflow, type ActiveflowRow } from './activeflows/activeflow.ts'
import type { Activeflows } from './activeflows/activeflows.ts'
import type { AriNode } from './ari/connection.ts'
import type { AriChannel, AriEvent } from './ari/types.ts'
import { Call, type CallHouse } from './calls/call.ts'
import { limitColumns, type CustomerLimits, type Limits } from './calls/limits.ts'
import type { LiveCalls } from './calls/live-calls.ts'
import { ownerOf } from './calls/owner.ts'
import { incomingRow } from './calls/row.ts'
import { CallRun } from './calls/run.ts'
import { numberOf, trailOf } from './calls/stamp.ts'
import { databaseState, findRow, type DataSource } from './database.ts'
import type { FlowReference } from './outbound/flows.ts'
import { dialable } from './resources/index.ts'
import { stepsOut } from './resources/outbound.ts'
import type { DialableRow, Resource } from './resources/resource.ts'

const address = /^([a-z]+)\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

interface Named {
  name?: string
  username?: string
  number?: string
}

/** What the way in needs of the house around it. */
interface InboundHouse {
  readonly database: DataSource
  readonly calls: CallHouse
  readonly liveCalls: LiveCalls
  readonly limits: Limits
  readonly activeflows: Activeflows
}

/**
 * The ways in for a caller. Kamailio has turned the address that was dialled into `<resource type>.<id>`; the resource's
 * short list of actions becomes an activeflow. `stasisStart` is THE listener for that event.
 */
export class Inbound {
  readonly #house: InboundHouse

  constructor(house: InboundHouse) {
    this.#house = house
  }

  stasisStart(node: AriNode, { args = [], channel }: AriEvent): void {
    // A leg that we made ourselves: whoever made it waits for this event. (One of externalMedia has no arguments.)
    if (args[0] !== 'leg' && channel && !ownerOf(channel.id)) this.#accept(node, channel, args, false)
  }

  /** For a caller who came in while no process was there to hear of it. */
  acceptWaiting(node: AriNode, channel: AriChannel): void {
    this.#accept(node, channel, [channel.dialplan.exten], true)
  }

  /** The activeflow that the call's destination begins with; undefined when that is gone. */
  async activeflow(call: Call): Promise<ActiveflowRow | undefined> {
    const { source, destination } = call.row
    const found =
      destination.type === 'tel'
        ? this.#outwardFor(call, source.target, destination.target)
        : this.#activeflowFor(call, destination.type, destination.target)
    return (await found)?.flow
  }

  #accept(node: AriNode, channel: AriChannel, args: string[], takenOver: boolean): void {
    const { calls, liveCalls } = this.#house
    const [dialled = '', sipCallId = '', told = ''] = args
    if (liveCalls.hasChannel(node, channel.id)) return
    // Nothing of it is stored before its first action.
    const call = new Call(incomingRow(node.name, channel, { sip_call_id: sipCallId.slice(0, 255) }), node, calls)
    liveCalls.add(call, this.#begin(call, dialled, told, takenOver))
  }

  /** Runs a new call from its first moment to its end. Never rejects. */
  async #begin(call: Call, dialled: string, told: string, takenOver: boolean): Promise<void> {
    const { activeflows, calls, database, limits } = this.#house
    try {
      // Nobody waits to be told so, and calls that could not be remembered are not begun.
      if (databaseState(database) !== 'ok') return await call.hangup('failed', 503)
      const [, type = '', id = ''] = address.exec(dialled) ?? []
      call.trail = trailOf(told, id)
      const { domain } = call.trail
      const aor = `${call.row.source.target}@${domain}`
      if (domain) calls.devices.watch({ node: call.node, channelId: call.channelId, aor }, 'busy')
      const isOutward = type === 'outbound'
      const found = await (isOutward ? this.#outwardFor(call, id, numberOf(told)) : this.#activeflowFor(call, type, id))
      if (!found) await call.refuse(404)
      else if (!limits.admit(call, found.limits)) await call.refuse(486)
      else await activeflows.run(new CallRun(call, call), found.flow, takenOver)
    } catch (error) {
      call.log.error({ err: error as Error, channel: call.channelId }, 'a call could not be begun')
      await call.hangup('failed', 503).catch(() => undefined)
    }
  }

  /** What runs for a number that an extension has dialled: Kamailio has seen that it may (hashdial-call.cfg). */
  async #outwardFor(call: Call, id: string, number: string): Promise<Begun | undefined> {
    const caller = await this.#find('extension', id)
    if (!caller) return undefined
    const { customer_id } = caller.row
    call.row.customer_id = customer_id
    call.row.source = { type: 'extension', target: id, target_name: (caller.row as Named).username ?? '' }
    call.row.destination = { type: 'tel', target: number, target_name: '' }
    const steps = await stepsOut(this.#house.database, customer_id, number)
    return { flow: createActiveflow(call, steps, null), limits: caller.customer }
  }

  /** What runs for a call to this resource; undefined when there is no such resource, or it leads nowhere. */
  async #activeflowFor(call: Call, type: string, id: string): Promise<Begun | undefined> {
    const dialled = await this.#find(type, id)
    if (!dialled) return undefined
    const { username, number, name = '' } = dialled.row as Named
    call.row.customer_id = dialled.row.customer_id
    call.row.destination = { type, target: id, target_name: username ?? number ?? name }
    if (number !== undefined) call.row.source.type = 'tel'
    const way = dialled.resource.leadsTo?.(dialled.row)
    const last = way ? await this.#find(way.type, way.id) : dialled
    if (!last?.resource.steps) return undefined
    const flow = last.resource.type === 'flow' ? (last.row as DialableRow & FlowReference) : null
    return { flow: createActiveflow(call, last.resource.steps(last.row), flow), limits: dialled.customer }
  }

  async #find(type: string, id: string): Promise<Found | undefined> {
    const resource = dialable(type)
    const found = resource && (await findRow(this.#house.database, resource.entity, id, limitColumns))
    return found && { resource, ...found }
  }
}

interface Begun {
  flow: ActiveflowRow
  limits: CustomerLimits
}

interface Found {
  resource: Resource<DialableRow>
  row: DialableRow
  customer: CustomerLimits
}
