import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { Logger } from '../log.ts'
import { loadOperations, type Carrier } from './client.ts'
import type { AriOperations } from './operations.ts'
import { AriSocket } from './socket.ts'
import { AriError, subjectOf, type AriEvent } from './types.ts'
import { wantedEvents } from './wanted-events.ts'

const retryMin = 100
const retryMax = 2_000

/** Requests that are made by HTTP, by their path below /ari/. */
const overHttp = /^api-docs\/|\/eventFilter$|^(channels|bridges|recordings\/stored)$/

export interface AriListener {
  /** A channel came into Stasis. `event.args` are those of the dialplan's Stasis(). */
  stasisStart: (node: AriNode, event: AriEvent) => void
  /** Connected, for the first time or again: what is in Asterisk has to be reconciled. Events arrive already. */
  connected: (node: AriNode) => void
  /** Out of reach; its channels may live on. */
  disconnected: (node: AriNode) => void
  /** About to connect to the Asterisk that says this of itself; another one by each start. Where it rejects there is no connection. */
  identified?: (node: AriNode, identity: string) => Promise<void>
  /** Somebody else gets the events of our application: what is told of it here is not true any more. */
  replaced?: (node: AriNode) => void
}

type Listener = (event: AriEvent) => void

interface AsteriskInfo {
  system?: { entity_id: string }
  status?: { startup_time: string }
}

/**
 * One Asterisk, by ARI. Connects for ever (0.1 to 2 s between tries), tells what became of it, and gives each event to
 * whoever listens for the object that it is about.
 */
export class AriNode {
  /** host:port of its ARI: what a call's `node` column says. */
  readonly name: string
  readonly #url: URL
  readonly #log: Logger
  readonly #listener: AriListener
  readonly #listeners = new Map<string, Set<Listener>>()
  #operations: AriOperations | undefined
  #socket: AriSocket | undefined
  #retry: NodeJS.Timeout | undefined
  #wait = retryMin
  #ready = false
  #stopped = false
  /** Counts the connections: what an old one tells is not heard. */
  #attempt = 0
  /** This process may act for its calls: see nodes/. */
  carried = true
  /** Why there is no connection, for /health. */
  problem = 'not connected yet'

  constructor(
    url: string,
    log: Logger,
    listener: AriListener,
    readonly application = 'hashdial',
  ) {
    this.#url = new URL(url)
    this.name = this.#url.host
    this.#log = log.child({ node: this.name })
    this.#listener = listener
  }

  get connected(): boolean {
    return this.#ready
  }

  /** ari-client's operations. Each rejects with AriError. */
  get ari(): AriOperations {
    if (!this.#operations) throw new AriError(0, `Asterisk ${this.name} has not been connected yet`)
    return this.#operations
  }

  start(): void {
    this.#stopped = false
    this.#wait = retryMin
    void this.#connect()
  }

  /** Its channels live on. It can be started again. */
  stop(): void {
    this.#stopped = true
    this.#attempt++
    this.problem = 'not connected'
    clearTimeout(this.#retry)
    this.#ready = false
    this.#listener.disconnected(this)
    this.#socket?.close()
    this.#socket = undefined
  }

  /** Asterisk does not tell anything by this connection, whatever its socket says. */
  reconnect(problem: string): void {
    if (this.#ready) this.#log.warn({ problem }, 'the connection to Asterisk is made anew')
    this.#socket?.close()
  }

  /** Calls `listener` with each event about the channel, playback or recording `id` until the returned function is called. */
  on(id: string, listener: Listener): () => void {
    const set = this.#listeners.get(id) ?? new Set()
    this.#listeners.set(id, set.add(listener))
    return () => {
      set.delete(listener)
      if (set.size === 0 && this.#listeners.get(id) === set) this.#listeners.delete(id)
    }
  }

  /** Where the sound of a channel of external media is sent and taken, by its MEDIA_WEBSOCKET_CONNECTION_ID. */
  mediaUrl(connection: string): string {
    const url = new URL(`/media/${connection}`, this.#url.origin)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    return url.href
  }

  /** The sound of a recording that is stored, and how many bytes it has. Rejects with AriError. */
  async download(recording: string): Promise<{ body: Readable; bytes: number | undefined }> {
    const uri = `recordings/stored/${encodeURIComponent(recording)}/file`
    const { body, headers } = await this.#fetch('GET', uri, undefined, AbortSignal.timeout(300_000))
    const length = headers.get('content-length')
    return { body: Readable.fromWeb(body as ReadableStream), bytes: length === null ? undefined : Number(length) }
  }

  /** How many objects are listened for (for a test that nothing leaks). */
  get listening(): number {
    return this.#listeners.size
  }

  async #connect(): Promise<void> {
    const attempt = ++this.#attempt
    const isCurrent = () => attempt === this.#attempt
    try {
      await this.#listener.identified?.(this, await this.#identity())
      if (!isCurrent()) return
      const socket = await AriSocket.open(this.#url, this.application, {
        event: (event) => isCurrent() && this.#event(event),
        close: (reason) => isCurrent() && this.#closed(reason),
      })
      if (!isCurrent()) return socket.close()
      this.#socket = socket
      this.#operations ??= await loadOperations(this.#url.origin, this.#carry)
      await this.ari.applications.filter({
        applicationName: this.application,
        filter: { allowed: wantedEvents.map((type) => ({ type })) },
      })
      if (!isCurrent() || this.#socket !== socket) return // lost again meanwhile; #closed has seen to the next try
      this.#ready = true
      this.#wait = retryMin
      this.problem = ''
      this.#log.info('connected to Asterisk')
      this.#listener.connected(this)
    } catch (error) {
      if (!isCurrent()) return
      this.#socket?.close()
      this.#again((error as Error).message)
    }
  }

  /** Machines that were copied have the same entity id, and two Asterisks of one machine too. */
  async #identity(): Promise<string> {
    const { system, status } = JSON.parse(await this.#http('GET', 'asterisk/info')) as AsteriskInfo
    return `${system?.entity_id} ${status?.startup_time}`
  }

  #closed(reason: string): void {
    this.#socket = undefined
    this.#ready = false
    this.#listener.disconnected(this)
    this.#again(reason)
  }

  #again(problem: string): void {
    if (this.#stopped) return
    if (problem !== this.problem) this.#log.warn({ problem }, 'no connection to Asterisk, trying on')
    this.problem = problem
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => void this.#connect(), this.#wait)
    this.#wait = Math.min(this.#wait * 2, retryMax)
  }

  /**
   * Everything goes over the WebSocket but the api-docs, the filter that could hold back its own response, and what may
   * be long: Asterisk 22 builds a frame on the stack of its thread (496 KiB; res_http_websocket.c,
   * __ast_websocket_write), so a list of some 800 channels ends it.
   */
  readonly #carry: Carrier = async (method, uri, body) => {
    if (overHttp.test(uri)) return this.#http(method, uri, body)
    if (!this.#socket) throw new AriError(0, `Asterisk ${this.name} is not connected: ${this.problem}`)
    return this.#socket.request(method, uri, body)
  }

  async #http(method: string, uri: string, body?: string): Promise<string> {
    return (await this.#fetch(method, uri, body, AbortSignal.timeout(5_000))).text()
  }

  async #fetch(method: string, uri: string, body: string | undefined, signal: AbortSignal): Promise<Response> {
    const user = `${decodeURIComponent(this.#url.username)}:${decodeURIComponent(this.#url.password)}`
    const headers = { authorization: `Basic ${btoa(user)}`, 'content-type': 'application/json' }
    const init = { method, headers, signal, ...(body !== undefined && { body }) }
    const response = await fetch(new URL(`/ari/${uri}`, this.#url.origin), init).catch((error: unknown) => {
      throw new AriError(0, `Asterisk ${this.name} did not answer: ${(error as Error).message}`)
    })
    if (!response.ok) throw new AriError(response.status, `HTTP ${response.status} for ${uri}`)
    return response
  }

  #event(event: AriEvent): void {
    try {
      if (event.type === 'StasisStart') this.#listener.stasisStart(this, event)
      if (event.type === 'ApplicationReplaced') this.#listener.replaced?.(this)
      const id = subjectOf(event)
      const listeners = id === undefined ? undefined : this.#listeners.get(id)
      if (listeners) for (const listener of [...listeners]) listener(event)
    } catch (error) {
      // One call's mistake must not end the socket that all calls share.
      this.#log.error({ err: error as Error, event: event.type }, 'an event was not handled')
    }
  }
}

/** Waits for `request`; a channel, bridge or playback that is gone already is no error here: that is `undefined`. */
export async function unlessGone<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request
  } catch (error) {
    if (error instanceof AriError && error.gone) return undefined
    throw error
  }
}

/**
 * Waits for requests that remove something. What is gone already is fine, and what cannot be removed because Asterisk is
 * out of reach is removed by the reconciliation when it is back.
 */
export async function cleanUp(requests: Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(requests)) {
    if (result.status === 'rejected' && !(result.reason instanceof AriError)) throw result.reason
  }
}
