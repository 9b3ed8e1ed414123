import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection, type Connection, type ConnectionOptions } from 'mysql2/promise'
import type { Logger } from '../log.ts'
import { isDatabaseReadOnly } from './connect.ts'

/** `read-only`: it answers, and takes nothing (a replica after a failover, a lock for a backup). */
export type DatabaseState = 'ok' | 'read-only' | 'away'

/** In milliseconds: between two questions, while all is well and while it is not, and how long an answer may take. */
const pauseMs = { ok: 500, 'read-only': 500, away: 100 }
const answerMs = 1_500

/** Removes nothing; a server that may not be written to refuses it all the same. */
const harmless = `DELETE FROM jobs WHERE name = ''`

class Late extends Error {}

/**
 * Knows what the database can do at the moment, by a connection of its own: nobody has to ask, and wait, who only wants
 * to know. One question that is not answered means away; the next one goes by a new connection.
 */
export class Watch {
  state: DatabaseState = 'ok'
  changed: (state: DatabaseState) => void = () => undefined
  readonly #options: ConnectionOptions
  readonly #logger: Logger | undefined
  #connection: Connection | undefined
  readonly #stopped = new AbortController()

  constructor(options: ConnectionOptions, logger?: Logger) {
    this.#options = { ...options, connectTimeout: answerMs }
    this.#logger = logger
    void this.#run()
  }

  stop(): void {
    this.#stopped.abort()
    this.#drop()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      const state = await this.#ask()
      if (signal.aborted) break
      if (state !== this.state) this.#tell(state)
      await sleep(pauseMs[state], undefined, { signal, ref: false }).catch(() => undefined)
    }
    this.#drop()
  }

  #tell(state: DatabaseState): void {
    this.state = state
    if (state === 'ok') this.#logger?.info('the database is back')
    else if (state === 'away') this.#logger?.warn('the database is away: new calls and requests get 503')
    else this.#logger?.warn('the database is read-only: new calls and writes get 503')
    this.changed(state)
  }

  async #ask(): Promise<DatabaseState> {
    try {
      this.#connection ??= await this.#connect()
      await inTime(this.#connection.query('SELECT 1'))
    } catch {
      this.#drop()
      return 'away'
    }
    try {
      await inTime(this.#connection.query(harmless))
      return 'ok'
    } catch (error) {
      // By the next connection perhaps another server is reached, which has taken over.
      this.#drop()
      return error instanceof Late || isDatabaseReadOnly(error) ? 'read-only' : 'away'
    }
  }

  async #connect(): Promise<Connection> {
    const connection = await createConnection(this.#options)
    connection.on('error', () => undefined) // the next question finds out
    return connection
  }

  /** Not by a goodbye, which a server that is silent would never take. */
  #drop(): void {
    const { connection } = (this.#connection ?? {}) as { connection?: { stream: Duplex } }
    this.#connection?.destroy()
    connection?.stream.destroy()
    this.#connection = undefined
  }
}

/** A turn of the event loop is granted when the time is over: the answer may be here, and it is we who were busy. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => setImmediate(() => reject(new Late('no answer'))), answerMs)
  })
  return Promise.race([answer, late]).finally(() => clearTimeout(timer))
}
