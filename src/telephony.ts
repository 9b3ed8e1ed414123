import { AgentCalls } from './acd/agent-calls.ts'
import { Queues } from './acd/queues.ts'
import type { RunBeside } from './acd/wait-sound.ts'
import { activeflowColumns } from './activeflows/activeflow.ts'
import { Activeflows } from './activeflows/activeflows.ts'
import { runBeside } from './activeflows/beside.ts'
import { AriNode } from './ari/connection.ts'
import type { AriEvent } from './ari/types.ts'
import type { CallHouse } from './calls/call.ts'
import { DeviceWatch } from './calls/device-watch.ts'
import { Limits } from './calls/limits.ts'
import { LiveCalls } from './calls/live-calls.ts'
import { PartStore, type PartKind } from './calls/parts.ts'
import { callColumns } from './calls/row.ts'
import { Underway } from './calls/underway.ts'
import { Conferences } from './conferences/conferences.ts'
import { conferencecallColumns } from './conferences/row.ts'
import { Conversations } from './conversation/conversations.ts'
import { aicallColumns, aimessageColumns } from './conversation/row.ts'
import type { DataSource } from './database.ts'
import type { KeyRing } from './database/secrets.ts'
import type { Table } from './database/upsert.ts'
import { WriteBehind } from './database/write-behind.ts'
import { eventColumns } from './events/event.ts'
import { Inbound } from './inbound.ts'
import type { Job } from './jobs.ts'
import type { Logger } from './log.ts'
import { createParts } from './media/index.ts'
import type { Sounds } from './media/sounds.ts'
import { transcriptColumns } from './media/transcription.ts'
import { abandonedJob } from './nodes/abandoned-job.ts'
import { endCall } from './nodes/abandoned.ts'
import type { Holder } from './nodes/node.ts'
import { Nodes } from './nodes/nodes.ts'
import type { MakeFlow } from './outbound/flows.ts'
import { groupcallColumns } from './outbound/groupcall.ts'
import { Outgoing } from './outbound/outgoing.ts'
import type { OriginateRequest } from './outbound/request.ts'
import { reconcile } from './recovery/reconcile.ts'
import { createEventOf } from './resources/happened.ts'
import type { Web } from './web.ts'

/** What live calls are written to, in the order of the foreign keys. */
const tables: Record<string, Table> = {
  ...{ calls: { columns: callColumns }, groupcalls: { columns: groupcallColumns } },
  ...{ activeflows: { columns: activeflowColumns }, conferencecalls: { columns: conferencecallColumns } },
  ...{ transcripts: { columns: transcriptColumns }, aicalls: { columns: aicallColumns } },
  aimessages: { columns: aimessageColumns, immutable: true },
  events: { columns: eventColumns, immutable: true },
}

/** The values of the configuration that calls need (config.ts). */
interface TelephonyConfig {
  readonly ariUrls: readonly { readonly url: string }[]
  readonly baseDomain: string
  readonly callHours: number
  readonly customerActions: number
  readonly customerRequests: number
  readonly lostMinutes: number
  readonly ringSeconds: number
}

interface Given {
  readonly database: DataSource
  /** This process, as others see it. */
  readonly holder: Holder
  readonly log: Logger
  readonly secrets: KeyRing
  readonly sounds: Sounds
  readonly web: Web
}

/** Everything that a call goes through: each is given what it needs, from the floor up. */
function createEngine(config: TelephonyConfig, { database, log, secrets, sounds, web }: Given) {
  const { baseDomain, ringSeconds } = config
  const eventOf = createEventOf(baseDomain)
  const writes = new WriteBehind(database, tables)
  const calls: CallHouse = {
    ...{ writes, eventOf, log, devices: new DeviceWatch() },
    ...{ callSeconds: config.callHours * 3600, domain: `sip.${baseDomain}` },
  }
  const limits = new Limits(log)
  const liveCalls = new LiveCalls()
  const directory = { database, baseDomain, web }
  const activeflows = new Activeflows(liveCalls, calls, database)
  const store = new PartStore(database, eventOf, (...ended) => activeflows.followPart(...ended))
  const mediaParts = createParts(store, writes, sounds.voice, log)
  const { recordings, transcribes } = mediaParts
  const beside: RunBeside = (...given) => runBeside(activeflows.house, ...given)
  const originate = (request: OriginateRequest) => outgoing.originate(request)
  const queues = new Queues({
    ...{ ...directory, store, limits, liveCalls, log, sounds, recordings, runBeside: beside, originate },
  })
  const parts = {
    ...mediaParts,
    conferences: new Conferences({ store, writes, sounds, transcribes, log }),
    queues,
    conversations: new Conversations({ ...directory, eventOf, limits, log, ringSeconds, secrets, sounds, writes }),
    agentCalls: new AgentCalls(store, calls.devices, log, () => queues.wake()),
  }
  const makeFlow: MakeFlow = (run, request) => activeflows.create(run, request)
  const outgoing = new Outgoing({ liveCalls, calls, directory, limits, ringSeconds, makeFlow })
  const underway = new Underway({ actions: config.customerActions, customer: config.customerRequests })
  activeflows.house = { ...directory, ...parts, limits, liveCalls, outgoing, ringSeconds, sounds, underway }
  const inbound = new Inbound({ database, calls, liveCalls, limits, activeflows })
  return { database, calls, liveCalls, limits, activeflows, outgoing, inbound, parts }
}

/** The engine and its Asterisks, not connected yet. `compare` makes Asterisk, memory and MySQL agree. */
export function createTelephony(config: TelephonyConfig, given: Given, repaired: (count: number) => void) {
  const { log } = given
  const engine = createEngine(config, given)
  const { activeflows, calls, inbound, liveCalls, outgoing } = engine
  const parts = Object.values<PartKind>(engine.parts)
  const compare = oneAtATime(async (node: AriNode): Promise<number> => {
    const found = await reconcile(node, { ...engine, parts })
    const count = found.recovered + found.ended + found.removed
    if (count > 0) log.info({ node: node.name, ...found }, 'calls, channels and rows agree again')
    return count
  })
  const stop = (node: AriNode) => liveCalls.of(node).forEach((call) => call.interrupt())
  const listener = {
    stasisStart: (node: AriNode, event: AriEvent) => inbound.stasisStart(node, event),
    connected: (node: AriNode) => void compare(node).then(repaired, (err: Error) => log.warn({ err }, notReconciled)),
    disconnected: stop,
  }
  const leases = new Nodes({
    ...given,
    handOver: (node) => [liveCalls, activeflows, outgoing].forEach((each) => each.handOver(node)),
  })
  const nodes = config.ariUrls.map(({ url }) => new AriNode(url, log, { ...listener, ...leases.listener }))
  leases.add(nodes)
  liveCalls.nodes = nodes
  const store = { database: given.database, eventOf: calls.eventOf }
  liveCalls.endStored = (id) => endCall(store, id, 'local', 'normal')
  const abandoned = abandonedJob({ ...store, ...given, liveCalls, seconds: config.lostMinutes * 60 })
  const drain = async () => {
    for (const part of parts) await part.drain?.()
    await calls.writes.drain()
    await leases.release()
  }
  const jobs = [reconcileJob(nodes, compare), abandoned]
  return { activeflows, drain, jobs, leases, liveCalls, nodes, outgoing, parts: engine.parts }
}

/** What Asterisk told and did not reach us is found also while nothing seems wrong. */
function reconcileJob(nodes: readonly AriNode[], compare: (node: AriNode) => Promise<number>): Job {
  return {
    name: 'reconcile',
    every: '*/30 * * * * *',
    eachProcess: true,
    run: async () => {
      const counts = await Promise.all(nodes.filter((node) => node.connected).map(compare))
      return counts.reduce((sum, count) => sum + count, 0)
    },
  }
}

const notReconciled = 'not reconciled; it is tried again'

/** Runs of `task` follow one another: two that overlap would recover the same call twice. */
function oneAtATime<T>(task: (node: AriNode) => Promise<T>): (node: AriNode) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (node) => {
    const run = last.then(() => task(node))
    last = run.catch(() => undefined)
    return run
  }
}
