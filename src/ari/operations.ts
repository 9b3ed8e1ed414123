import { createRequire } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { AriError, type AriBridge, type AriChannel, type AriPlayback, type AriRecording } from './types.ts'

type Id = { channelId: string }

/** ari-client's operations that are used here, with their parameters (Asterisk's api-docs have all 109). */
export interface AriOperations {
  applications: {
    get(p: { applicationName: string }): Promise<{ channel_ids: string[]; bridge_ids: string[] }>
    filter(p: { applicationName: string; filter: object }): Promise<unknown>
  }
  asterisk: { getInfo(p?: { only?: string }): Promise<{ system: { version: string; entity_id: string } }> }
  channels: {
    get(p: Id): Promise<AriChannel>
    list(): Promise<AriChannel[]>
    create(p: CreateChannel): Promise<AriChannel>
    dial(p: Id & { caller?: string; timeout?: number }): Promise<void>
    ring(p: Id): Promise<void>
    answer(p: Id): Promise<void>
    hangup(p: Id & { reason_code?: string }): Promise<void>
    continueInDialplan(p: Id & { context: string; extension: string; priority: number }): Promise<void>
    getChannelVar(p: Id & { variable: string }): Promise<{ value: string }>
    setChannelVar(p: Id & { variable: string; value: string }): Promise<void>
    playWithId(p: Id & { playbackId: string; media: string }): Promise<AriPlayback>
    sendDTMF(p: Id & { dtmf: string; before?: number; between?: number; duration?: number }): Promise<void>
    mute(p: Id & { direction: Direction }): Promise<void>
    unmute(p: Id & { direction: Direction }): Promise<void>
    hold(p: Id): Promise<void>
    unhold(p: Id): Promise<void>
    snoopChannelWithId(p: SnoopChannel): Promise<AriChannel>
    record(p: RecordChannel): Promise<AriRecording>
    externalMedia(p: ExternalMedia): Promise<AriChannel>
  }
  playbacks: {
    get(p: { playbackId: string }): Promise<AriPlayback>
    stop(p: { playbackId: string }): Promise<void>
  }
  recordings: {
    getLive(p: { recordingName: string }): Promise<AriRecording>
    stop(p: { recordingName: string }): Promise<void>
    getStored(p: { recordingName: string }): Promise<{ name: string; format: string }>
    deleteStored(p: { recordingName: string }): Promise<void>
  }
  bridges: {
    get(p: { bridgeId: string }): Promise<AriBridge>
    list(): Promise<AriBridge[]>
    createWithId(p: { bridgeId: string; type: string; name?: string }): Promise<AriBridge>
    addChannel(p: { bridgeId: string; channel: string }): Promise<void>
    destroy(p: { bridgeId: string }): Promise<void>
  }
}

export interface CreateChannel {
  endpoint: string
  app: string
  appArgs?: string
  channelId: string
  originator?: string
  variables?: Record<string, string>
  /** The id of a Local channel's other half. */
  otherChannelId?: string
}

/** As seen from the channel: `in` is what comes from its party. */
export type Direction = 'both' | 'in' | 'out'

export interface SnoopChannel {
  channelId: string
  snoopId: string
  /** Which sound of the channel it hears, and to whom it speaks. */
  spy: Direction | 'none'
  whisper?: Direction | 'none'
  app: string
  appArgs: string
}

export interface RecordChannel {
  channelId: string
  name: string
  format: string
  maxDurationSeconds?: number
  maxSilenceSeconds?: number
  ifExists: 'fail' | 'overwrite' | 'append'
}

export interface ExternalMedia {
  channelId: string
  app: string
  external_host: string
  encapsulation?: string
  transport?: string
  transport_data?: string
  connection_type?: string
  format: string
  direction?: 'both'
  data?: string
  variables?: Record<string, string>
}

interface SwaggerRequest {
  url: string
  method: string
  body?: string
  on: { response(response: { data: string }): void; error(response: { data: string } & object): void }
}

/** Carries one request to Asterisk. `uri` is relative to /ari/. Rejects with AriError. */
export type Carrier = (method: string, uri: string, body?: string) => Promise<string>

const require = createRequire(import.meta.url)
const ariClient = require('ari-client') as { connect(url: string, user: string, password: string): Promise<unknown> }
const { SwaggerHttp, authorizations } = require('swagger-client') as {
  SwaggerHttp: { prototype: { execute(request: SwaggerRequest): void } }
  authorizations: { remove(name: string): void }
}

/** By the made-up host under which ari-client knows an Asterisk. */
const carriers = new Map<string, Carrier>()
let loaded = 0

/** How long reading the api-docs may take, in milliseconds. */
const patience = 10_000

// ari-client 2.2.0 (2019) knows every operation from Asterisk's own api-docs, but its transport has no deadline, throws
// strings from callbacks and opens a connection for each request. swagger-client sends everything through this one
// function, so the transport is replaced here, and only the knowledge of operations is ari-client's.
SwaggerHttp.prototype.execute = (request) => {
  const url = new URL(request.url)
  const uri = url.pathname.replace(/^\/ari\//, '') + url.search
  const carrier = carriers.get(url.host) ?? (() => Promise.reject(new AriError(0, 'this connection has been ended')))
  carrier(request.method, uri, request.body)
    .then(
      (data) => request.on.response({ data }),
      // Without `data` ari-client hands the error on as it is.
      (error: Error & { data: never }) => request.on.error(error),
    )
    // What it throws here is a string that says less than the error that it was given.
    .catch(() => undefined)
}

/**
 * Reads the api-docs of an Asterisk through `carrier`, and gives its operations, which travel by `carrier` too.
 * `origin` is what Asterisk calls itself there. Rejects where something is wrong with them.
 */
export async function loadOperations(origin: string, carrier: Carrier): Promise<AriOperations> {
  const host = `asterisk-${++loaded}.ari`
  // Several connections may lead to one Asterisk, so each has a name of its own.
  const renamed: Carrier = async (method, uri, body) => {
    const answer = await carrier(method, uri, body)
    return uri.startsWith('api-docs/') ? answer.replaceAll(origin, `http://${host}`) : answer
  }
  carriers.set(host, renamed)
  const timer = new AbortController()
  const late = delay(patience, undefined, { signal: timer.signal }).then(() => {
    throw new AriError(0, `Asterisk’s api-docs could not be read within ${patience} ms`)
  })
  const unmute = muteConsole()
  try {
    return (await Promise.race([ariClient.connect(`http://${host}`, '', ''), late])) as AriOperations
  } finally {
    // The carrier knows the user; swagger-client would encode it anew, and globally, for every request.
    authorizations.remove('basic-auth')
    unmute()
    timer.abort()
    late.catch(() => undefined)
  }
}

/** swagger-client prints a note about Swagger 1.1 with console.log for all api-docs that it reads. */
function muteConsole(): () => void {
  /* eslint-disable no-console */
  const print = console.log
  console.log = () => undefined
  return () => (console.log = print)
  /* eslint-enable no-console */
}
