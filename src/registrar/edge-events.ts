import { setTimeout as delay } from 'node:timers/promises'
import { isDatabaseAway, isDatabaseReadOnly, transaction, type DataSource, type EntityManager } from '../database.ts'
import type { Logger } from '../log.ts'
import { tellFailures, tellScans } from './edge-reports.ts'
import { sweepRegistrations, tellChanges, tellSilence, type ReadExtensions } from './registration-events.ts'

const lookMs = 200
/** What no row announces is looked for less often. */
const silenceMs = 800
const sweepMs = 300_000
const failedMs = 1_000
/** The row of `jobs` that several processes take turns with. */
const turnName = 'edge events'
/** Is there anything to do? */
const waitingSql = `SELECT 1 FROM (SELECT 1) one WHERE EXISTS (SELECT 1 FROM registration_changes)
  OR EXISTS (SELECT 1 FROM registration_failures WHERE tm_due <= UTC_TIMESTAMP(6))
  OR EXISTS (SELECT 1 FROM guess_blocks WHERE told = 0)`

/**
 * Makes events of what Kamailio writes, within a second. It cannot write a registration and its event in one transaction, so
 * it writes the one right after the other; what was lost between them is found by comparing `registrations` with what was
 * told last. The ids of events are made of what they are about, and the state is stored with them: nothing is told twice.
 */
export class EdgeEvents {
  readonly #database: DataSource
  readonly #log: Logger
  readonly #read: ReadExtensions
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  constructor(database: DataSource, log: Logger, read: ReadExtensions) {
    this.#database = database
    this.#log = log
    this.#read = read
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Resolves when what is under way is done. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  /** What Kamailio has written, as far as one transaction goes. Answers how much that was. */
  async look(): Promise<number> {
    const [waiting] = await this.#database.query<unknown[]>(waitingSql)
    if (waiting === undefined) return 0
    return this.#inTurn(async (manager) => {
      const changes = await tellChanges(manager, this.#read)
      return changes + (await tellFailures(manager, this.#read)) + (await tellScans(manager))
    })
  }

  /** What becomes of registrations by time alone. */
  lookForSilence(): Promise<number> {
    return this.#inTurn((manager) => tellSilence(manager, this.#read))
  }

  /** What was lost. After the changes that wait: they know better when something happened. */
  async sweep(): Promise<number> {
    while ((await this.look()) > 0);
    return this.#inTurn((manager) => sweepRegistrations(manager, this.#read))
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const next = { silence: 0, sweep: 0 }
    const due = (what: keyof typeof next, everyMs: number): boolean => {
      if (performance.now() < next[what]) return false
      next[what] = performance.now() + everyMs
      return true
    }
    while (!signal.aborted) {
      let waitMs = lookMs
      try {
        if ((await this.look()) > 0) waitMs = 0
        if (due('silence', silenceMs)) await this.lookForSilence()
        if (due('sweep', sweepMs)) await this.#sweepAll()
      } catch (error) {
        this.#failed(error)
        waitMs = failedMs
      }
      await delay(waitMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  async #sweepAll(): Promise<void> {
    for (let events = 0; ;) {
      const more = this.#stopping.signal.aborted ? 0 : await this.sweep()
      events += more
      if (more > 0) continue
      if (events > 0) this.#log.info({ events }, 'registrations were found that nobody had told of')
      return
    }
  }

  /** Of several processes one at a time: whoever has locked the row. The others do not wait for it. */
  async #inTurn(run: (manager: EntityManager) => Promise<number>): Promise<number> {
    return transaction(this.#database, async (manager) => {
      const take = () =>
        manager.query<unknown[]>('SELECT 1 FROM jobs WHERE name = ? FOR UPDATE SKIP LOCKED', [turnName])
      if ((await take()).length === 1) return run(manager)
      const [row] = await manager.query<unknown[]>('SELECT 1 FROM jobs WHERE name = ?', [turnName])
      if (row !== undefined) return 0
      await manager.query("INSERT IGNORE INTO jobs (name, tm_run) VALUES (?, '2000-01-01 00:00:00')", [turnName])
      return (await take()).length === 1 ? run(manager) : 0
    })
  }

  /** That the database is away is told by those who watch it. */
  #failed(error: unknown): void {
    if (!isDatabaseAway(error) && !isDatabaseReadOnly(error) && !this.#stopping.signal.aborted)
      this.#log.warn({ err: error as Error }, 'what Kamailio wrote was not told; it is tried again')
  }
}
