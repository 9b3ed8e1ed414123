import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { createServer } from './api/server.ts'
import type { AriNode } from './ari/connection.ts'
import { recordingFiles, removeOldRecordings } from './media/recording-files.ts'
import { Sounds } from './media/sounds.ts'
import { ConfigError, loadConfig, type Config } from './config.ts'
import { migrate, openDatabase, type DataSource } from './database.ts'
import { KeyRing } from './database/secrets.ts'
import { Stream } from './events/stream.ts'
import { openTelling } from './events/telling.ts'
import { scheduleJobs, type Job } from './jobs.ts'
import { createLogger, type Logger } from './log.ts'
import { createMetrics } from './metrics.ts'
import { clusterKeys, Peers } from './nodes/peers.ts'
import { EdgeEvents } from './registrar/edge-events.ts'
import { repairs } from './registrar/repairs.ts'
import { workingKeys } from './resources/accesskey.ts'
import { extensionEvents } from './resources/extension-events.ts'
import { entities } from './resources/index.ts'
import { createTelephony } from './telephony.ts'
import { Decoder } from './voice/decoder.ts'
import { Prompts } from './voice/prompts.ts'
import { Voice } from './voice/voice.ts'
import { Web } from './web.ts'

/** The composition root: everything is made here, given to what needs it, and ended here. */
async function main(config: Config, log: Logger): Promise<void> {
  await migrate(config.databaseUrl, { logger: log })
  const connections = { pool: config.databasePool, statementMs: config.databaseTimeoutMs }
  const database = await openDatabase(config.databaseUrl, { entities, logger: log, ...connections })
  const metrics = createMetrics()
  const web = new Web(config.fetchPrivate)
  const { secrets, stream, telling } = await openEvents(config, { database, log, web })
  const sounds = await openSounds(config, web, log)
  const holder = { id: randomUUID(), host: hostname().slice(0, 255), url: peerUrlOf(config) }
  const telephony = createTelephony(config, { database, holder, secrets, sounds, web, log }, (count) =>
    metrics.repairs.inc({ job: 'reconcile' }, count),
  )
  const { activeflows, leases, liveCalls, nodes, outgoing, parts } = telephony
  const { conferences, conversations, queues, transcribes } = parts
  const peers = new Peers(database, holder, clusterKeys(config.clusterSecret, config.secretKeys))
  const scheduled = scheduleJobs(jobsOf(config, database, telephony), database, log, (job, count) =>
    metrics.repairs.inc({ job }, count),
  )
  const server = await createServer({
    ...{ config, database, logger: log, metrics, calls: liveCalls, activeflows, prompts: sounds.prompts },
    trunkHosts: new Web([...config.fetchPrivate, ...config.trunkPrivate]),
    ...{ outgoing, recordings: recordingFiles(nodes), conferences, queues, transcribes, secrets, stream },
    ...{ conversations, voice: sounds.voice },
    ...{ peers, health: { ari: () => leases.health, nodes: () => leases.counts } },
  })
  telling.start()
  // First, for it fails where another process has the address, and that one may have our Asterisks too.
  await server.start()
  leases.start()
  log.info({ api: server.info.uri }, 'Hashdial is up')
  sounds.warmUp()

  const timeout = config.drainSeconds * 1000
  onSignal(timeout, async (signal) => {
    log.info({ signal, calls: liveCalls.size }, 'stopping; calls go on in Asterisk')
    leases.disconnect()
    await Promise.all([server.stop({ timeout }), scheduled.stop(), telling.stop(), telephony.drain()])
  })
}

/** Calls live on in Asterisk, and the next process finds them there: what is under way here is finished, not they. */
function onSignal(timeoutMs: number, drain: (signal: string) => Promise<void>): void {
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.once(name, (signal) => {
      setTimeout(() => process.exit(0), timeoutMs).unref()
      void drain(signal).finally(() => process.exit(0))
    })
}

/** What tells others what has happened. */
async function openEvents(config: Config, parts: { database: DataSource; log: Logger; web: Web }) {
  const secrets = new KeyRing(config.secretKeys)
  const goodTokens = (hashes: readonly string[]) => workingKeys(parts.database, hashes)
  const stream = new Stream({ ...parts, perCustomer: config.customerStreams, goodTokens })
  const edge = new EdgeEvents(parts.database, parts.log, extensionEvents(config))
  const telling = await openTelling({ ...parts, secrets }, () => stream.look(), [edge])
  return { secrets, stream, telling }
}

function jobsOf(config: Config, database: DataSource, calls: { nodes: readonly AriNode[]; jobs: Job[] }): Job[] {
  return [
    ...calls.jobs,
    recordingsJob(calls.nodes, database, config.recordingRetentionDays),
    ...repairs(config).map((job) => ({ ...job, run: () => job.run(database) })),
  ]
}

/** Where the other processes reach the API of this one. */
function peerUrlOf({ peerUrl, apiListen: { host, port } }: Config): string {
  if (peerUrl) return peerUrl
  const here = /^(0\.0\.0\.0|::)$/.test(host) ? hostname() : host
  return `http://${here.includes(':') ? `[${here}]` : here}:${port}`
}

async function openSounds(config: Config, web: Web, log: Logger): Promise<Sounds> {
  const { soundsFolder: folder, soundsMegabytes, soundsUrl, apiListen } = config
  const prompts = await Prompts.open({ folder, bytes: soundsMegabytes * 1_000_000 })
  const host = apiListen.host.includes(':') ? `[${apiListen.host}]` : apiListen.host
  const url = soundsUrl || `http://${host}:${apiListen.port}`
  return new Sounds(prompts, new Voice({ ...config, log }), new Decoder(), web, url)
}

/** Each process has Asterisks of its own, and with them their files. */
function recordingsJob(nodes: readonly AriNode[], database: DataSource, days: number): Job {
  const run = () => removeOldRecordings(nodes, database, days)
  return { name: 'old recordings', every: '0 37 * * * *', eachProcess: true, run }
}

/** Of an address that cannot be listened at, in a line. */
function takenAddress(error: unknown): string | undefined {
  const { code = '', address, port } = error as { code?: string; address?: string; port?: number }
  if (!['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES'].includes(code) || port === undefined) return undefined
  const why = { EADDRINUSE: 'is taken', EADDRNOTAVAIL: 'is none of this machine' }[code] ?? 'may not be listened at'
  return `HASHDIAL_API_LISTEN: ${address}:${port} ${why}; name another one, or end what listens there`
}

try {
  const config = loadConfig(process.env)
  const log = createLogger(config.logLevel)
  // A mistake in one call must not end the process that carries all of them.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'an error that nobody waited for'))
  await main(config, log)
} catch (error) {
  process.stderr.write(
    `${error instanceof ConfigError ? error.message : (takenAddress(error) ?? String((error as Error).stack))}\n`,
  )
  process.exit(1)
}
