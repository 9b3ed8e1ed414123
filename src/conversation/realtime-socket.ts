import type { WebSocket } from 'ws'
import { HashdialError } from '../errors.ts'
import { WebError, type Web } from '../web.ts'
import type { Member } from './engine.ts'
import { parseEvent, sessionOf, type ServerEvent, type Speech } from './realtime-protocol.ts'

/** How long a server may take to begin, in milliseconds. */
const beginMs = 10_000
/** The errors that a session does not live on with. */
const fatal = /api_key|quota|billing|auth|session_expired|model_not_found/

/** The connection to a Realtime server: `told` hears each of its events, `lost` that there will be no more. */
export class RealtimeSocket {
  readonly #socket: WebSocket
  #closed = false

  private constructor(
    socket: WebSocket,
    readonly lost: (error: Error) => void,
  ) {
    this.#socket = socket
  }

  /** Resolves when the session is as the member wants it. */
  static async open(
    { web, signal }: { web: Web; signal: AbortSignal },
    member: Member,
    speech: Speech,
    on: { told(event: ServerEvent): void; lost(error: Error): void },
  ): Promise<RealtimeSocket> {
    const { key } = member
    const headers: Record<string, string> = key ? { authorization: `Bearer ${key}`, 'api-key': key } : {}
    const opening = web.socket(speech.url, headers, { signal, timeout: beginMs })
    const socket = await opening.catch((error: unknown) => {
      throw error instanceof WebError ? failed(error.message) : error
    })
    const opened = new RealtimeSocket(socket, (error) => on.lost(error))
    await opened.#begin(member, speech, (event) => on.told(event))
    return opened
  }

  send(message: object): void {
    if (this.#socket.readyState === 1) this.#socket.send(JSON.stringify(message))
  }

  close(): void {
    this.#closed = true
    this.#socket.close(1000)
  }

  async #begin(member: Member, speech: Speech, told: (event: ServerEvent) => void): Promise<void> {
    const began = new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(failed('it did not begin in time')), beginMs)
      const done = (error?: Error) => {
        clearTimeout(late)
        if (error) reject(error)
        else resolve()
      }
      const end = (why: string) => {
        done(failed(why))
        if (!this.#closed) this.lost(failed(why))
        this.close()
      }
      this.#socket.on('message', (data: Buffer) => {
        const event = parseEvent(data.toString())
        if (event?.type === 'session.updated') done()
        if (event?.type === 'error' && fatal.test(codeOf(event))) end('it refused the session')
        else if (event) told(event)
      })
      this.#socket.on('close', () => end('it closed the connection'))
      this.#socket.on('error', () => undefined) // `close` follows
    })
    this.send({ type: 'session.update', session: sessionOf(member, speech) })
    await began.catch((error: unknown) => {
      this.close()
      throw error
    })
  }
}

export const codeOf = ({ error }: ServerEvent): string => error?.code ?? error?.type ?? ''

export const failed = (why: string) =>
  new HashdialError('UNAVAILABLE', 'MODEL_FAILED', `the model did not answer: ${why}`)
