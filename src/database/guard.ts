import type { Duplex } from 'node:stream'
import type { Pool, PoolConnection } from 'mysql2'
import type { Logger } from '../log.ts'

/** What mysql2 knows of its connection and does not type: the command that the server has to answer, and the socket. */
interface Live extends PoolConnection {
  _command?: Command | null
  stream: Duplex
}

interface Command {
  sql?: string
}

interface Seen {
  command: Command | null
  /** Since when it is so, on the clock of performance.now(). */
  since: number
  stale: boolean
}

/** In milliseconds: how often the connections are looked at, when an idle one is asked, and how long it may take to answer. */
const lookMs = 200
const idleMs = 5_000
const pingMs = 1_000
/** For statements that remove many rows. */
const unhurriedMs = 120_000

const mark = '/* unhurried */'

/** A statement that may take longer than a caller would wait. */
export function unhurried(sql: string): string {
  return `${mark} ${sql}`
}

/**
 * Sees to it that no connection of a pool stays silent for long. A firewall that has forgotten a connection, or a server
 * that is frozen, tells nobody, and TCP takes minutes: a connection that owes an answer for longer than `statementMs` is
 * ended, with all that waits on it, and an idle one is asked whether it is still there, which also keeps it alive in
 * firewalls on the way.
 */
export class Guard {
  readonly #connections = new Map<Live, Seen>()
  readonly #timer: NodeJS.Timeout
  readonly #statementMs: number
  readonly #logger: Logger | undefined

  constructor(pool: Pool, statementMs: number, logger?: Logger) {
    this.#statementMs = statementMs
    this.#logger = logger
    pool.on('connection', (connection) => this.#add(connection as Live))
    this.#timer = setInterval(() => this.#look(), lookMs).unref()
  }

  /** Connections that exist now are not used again: they may lead to a server that is not the right one any more. */
  renew(): void {
    for (const seen of this.#connections.values()) seen.stale = true
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #add(connection: Live): void {
    this.#connections.set(connection, { command: null, since: performance.now(), stale: false })
    for (const event of ['end', 'error']) connection.on(event, () => this.#connections.delete(connection))
  }

  /** Nothing is counted or timed per statement: the command at the head of a connection stays the same while it waits. */
  #look(): void {
    const now = performance.now()
    for (const [connection, seen] of this.#connections) {
      const command = connection._command ?? null
      if (command !== seen.command) Object.assign(seen, { command, since: now })
      else if (command !== null) {
        if (now - seen.since >= this.#patience(command)) this.#loseIfStill(connection, command)
      } else if (seen.stale) this.#forget(connection)
      else if (now - seen.since >= idleMs) {
        seen.since = now
        connection.ping(() => undefined) // whether it answers is seen here
      }
    }
  }

  #forget(connection: Live): void {
    this.#connections.delete(connection)
    connection.destroy()
  }

  #patience({ sql }: Command): number {
    if (sql === undefined) return pingMs
    return sql.startsWith(mark) ? unhurriedMs : this.#statementMs
  }

  /** After a turn of the event loop: the answer may be here, and it is we who were busy. */
  #loseIfStill(connection: Live, command: Command): void {
    setImmediate(() => {
      if (connection._command !== command) return
      this.#logger?.warn('a connection to the database gave no answer and is replaced')
      connection.stream.destroy(Object.assign(new Error('the database gave no answer in time'), { code: 'ETIMEDOUT' }))
    })
  }
}
