import type { ChildProcess, StdioOptions } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive, startTimeOf, type ProcessId } from './pid.ts'
import type { Listening } from './ports.ts'
import { becomesTrue, lastLines, StackError } from './shell.ts'

/** What makes one program of the stack different from the others. */
export interface Plan {
  readonly name: PartName
  /** Writes its configuration, makes its data folder. */
  prepare(): void | Promise<void>
  spawn(options: { stdio: StdioOptions; detached: true }): ChildProcess
  /** Has it given a real answer? */
  answers(): Promise<boolean>
  /** How long its start may take. */
  readonly seconds: number
  readonly listens: readonly Listening[]
}

export type PartName = 'mysql' | 'kamailio' | 'asterisk' | 'hashdial' | 'supervisor'

/** One running program. It outlives the process that started it; its pid file and log are in the stack’s folder. */
export class Part {
  readonly name: PartName
  readonly log: string
  readonly #plan: Plan
  readonly #pidFile: string
  #starting: Promise<void> | undefined
  #launched = false
  #interrupted = false

  constructor(folder: string, plan: Plan) {
    this.#plan = plan
    this.name = plan.name
    this.log = join(folder, `${plan.name}.log`)
    this.#pidFile = join(folder, `${plan.name}.pid`)
  }

  get pid(): number | undefined {
    return this.#id()?.pid
  }

  /** Was it started and has not been stopped since? Then a missing process means that it died. */
  get died(): boolean {
    return existsSync(this.#pidFile) && this.pid === undefined
  }

  get listens(): readonly Listening[] {
    return this.#plan.listens
  }

  get lastWords(): string {
    return existsSync(this.log) ? lastLines(readFileSync(this.log, 'utf8')) : ''
  }

  /** Starts it and waits until it answers; one that lives already, or is being started, is left alone. */
  start(): Promise<void> {
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined))
    return this.#starting
  }

  async #start(): Promise<void> {
    if (this.pid === undefined) await this.#launch()
    const { seconds } = this.#plan
    const ready = await becomesTrue(seconds * 1000, async () => this.pid === undefined || (await this.#plan.answers()))
    if (this.pid === undefined) throw new StackError(`${this.name} ended while it was starting:\n${this.lastWords}`)
    if (!ready) throw new StackError(`${this.name} gives no answer after ${seconds} s:\n${this.lastWords}`)
  }

  /** Ends it as its makers want it ended (SIGTERM), and by force when that takes too long. Was there anything to end? */
  async stop(seconds = 20): Promise<boolean> {
    const id = this.#id()
    if (id) {
      process.kill(id.pid, 'SIGTERM')
      if (!(await becomesTrue(seconds * 1000, () => !isAlive(id)))) await this.kill9()
    }
    const orphans = await this.endOrphans()
    rmSync(this.#pidFile, { force: true })
    return id !== undefined || orphans
  }

  /** Ends it if it is this process that has started it, or is about to. */
  async interrupt(): Promise<void> {
    this.#interrupted = true
    if (this.#launched) await this.stop()
  }

  /** When the first process of a part was killed alone its children live on, and hold its ports. */
  async endOrphans(): Promise<boolean> {
    const pid = this.#recorded()?.pid
    let found = false
    // While one of them lives the kernel gives their group's number to nobody else.
    if (pid === undefined || startTimeOf(pid) !== '') return found
    await becomesTrue(5000, () => {
      try {
        found = process.kill(-pid, 'SIGKILL')
        return false
      } catch {
        return true // there are none, or no more
      }
    })
    return found
  }

  /** A crash: no chance to clean up, for it and its children. */
  async kill9(): Promise<void> {
    const id = this.#id()
    if (!id) return
    process.kill(-id.pid, 'SIGKILL')
    await becomesTrue(5000, () => !isAlive(id))
  }

  #id(): ProcessId | undefined {
    const id = this.#recorded()
    return id && isAlive(id) ? id : undefined
  }

  #recorded(): ProcessId | undefined {
    if (!existsSync(this.#pidFile)) return undefined
    const [pid = '', startTime = ''] = readFileSync(this.#pidFile, 'utf8').trim().split(' ')
    return Number(pid) > 1 ? { pid: Number(pid), startTime } : undefined
  }

  async #launch(): Promise<void> {
    await this.endOrphans()
    await this.#plan.prepare()
    if (this.#interrupted) throw new StackError(`the start of ${this.name} was interrupted`)
    this.#launched = true
    if (existsSync(this.log)) renameSync(this.log, `${this.log}.1`)
    const log = openSync(this.log, 'a', 0o600)
    const child = this.#plan.spawn({ stdio: ['ignore', log, log], detached: true })
    closeSync(log)
    // At once: whoever interrupts this start, or stops the part, finds it by its file only.
    if (child.pid !== undefined) writeFileSync(this.#pidFile, `${child.pid} ${startTimeOf(child.pid)}\n`)
    await new Promise<void>((resolve, reject) => {
      child.on('spawn', resolve)
      child.on('error', (error) => reject(new StackError(`${this.name} could not be started: ${error.message}`)))
    })
    child.unref()
  }
}
