import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ariUrl, asteriskPlan } from './asterisk.ts'
import { apiUrl, hashdialPlan, health } from './hashdial.ts'
import { kamailioPlan } from './kamailio.ts'
import { databaseUrl, dropDatabase, migrateStack, mysqlPlan } from './mysql.ts'
import { alone } from './lock.ts'
import { Part, type PartName, type Plan } from './part.ts'
import { refuseTaken } from './ports.ts'
import { checkout, Room, type ProgramOptions } from './room.ts'
import { ensureRootfs, type Progress } from './rootfs.ts'
import { becomesTrue, StackError } from './shell.ts'
import { loadSecrets, writeSecret, type Ports, type Site } from './site.ts'

/** All below 32768: from there on Linux gives ports to outgoing connections, and one may have taken what we listen on. */
export const portsByName: Record<string, Ports> = {
  main: { sip: 5060, api: 8080, asteriskSip: 5070, ari: 8088, mysql: 3316, rtpFrom: 10000, rtpTo: 19999 },
  test: { sip: 15060, api: 18080, asteriskSip: 15070, ari: 18088, mysql: 13316, rtpFrom: 20000, rtpTo: 24999 },
  fault: { sip: 25060, api: 28080, asteriskSip: 25070, ari: 28088, mysql: 23316, rtpFrom: 26000, rtpTo: 29999 },
}

export interface StackOptions {
  /** `main`, `test` and `fault` have ports of their own; any other name has to bring some. */
  name: string
  ports?: Partial<Ports>
  /** Start Hashdial too (the default). */
  hashdial?: boolean
  /** More environment for Kamailio and Hashdial: their tunables. */
  env?: Record<string, string>
  /** Begin with empty tables. */
  fresh?: boolean
  address?: string
  moreAsterisks?: readonly number[]
  progress?: Progress
  /** Start a part again that has died, by a process that stays behind. For a stack that is there for people, not for tests. */
  supervise?: boolean
}

/** A MySQL, a Kamailio, an Asterisk and a Hashdial of their own, below `.stack/<name>/`. */
export class Stack {
  readonly #parts: Map<PartName, Part>
  /** Starts parts again that have died; runs where it was asked for. */
  readonly supervisor: Part
  /** While start() runs: was there one before it? Known when that one has ended. */
  #supervised: Promise<boolean> = Promise.resolve(false)

  constructor(
    readonly site: Site,
    withHashdial: boolean,
  ) {
    const plans = [
      mysqlPlan(site),
      asteriskPlan(site),
      kamailioPlan(site),
      ...(withHashdial ? [hashdialPlan(site)] : []),
    ]
    this.#parts = new Map(plans.map((plan) => [plan.name, new Part(site.room.folder, plan)]))
    this.supervisor = new Part(site.room.folder, supervisorPlan(site))
  }

  get name(): string {
    return this.site.name
  }
  get ports(): Ports {
    return this.site.ports
  }
  get rootfs(): string {
    return this.site.room.rootfs
  }
  /** `.stack/<name>`, which is /stack for the programs inside. */
  get folder(): string {
    return this.site.room.folder
  }
  get databaseUrl(): string {
    return databaseUrl(this.site)
  }
  get ariUrl(): string {
    return ariUrl(this.site)
  }
  get apiUrl(): string {
    return apiUrl(this.site)
  }
  get adminKey(): string {
    return this.site.secrets.adminKey
  }
  get parts(): Part[] {
    return [...this.#parts.values()]
  }

  /** What another process needs to find this stack: its name is enough, the rest is for scripts. */
  describe() {
    const { name, ports, folder, rootfs, apiUrl, ariUrl, databaseUrl, adminKey } = this
    return { name, ports, folder, rootfs, apiUrl, ariUrl, databaseUrl, adminKey }
  }

  part(name: PartName): Part {
    const part = this.#parts.get(name)
    if (!part) throw new Error(`this stack runs without ${name}`)
    return part
  }

  /** Starts a program (sipp, baresip, …) among the parts, in the same rootfs. */
  spawn(program: string, args: readonly string[], options?: ProgramOptions): ChildProcess {
    return this.site.room.spawn(program, args, options)
  }

  /** Runs a program inside to its end. */
  run(program: string, args: readonly string[], options?: ProgramOptions): Promise<{ code: number; output: string }> {
    return this.site.room.run(program, args, options)
  }

  /** Starts what is not running. Kamailio needs its tables, and Hashdial the three others. */
  async start(options: Pick<StackOptions, 'fresh' | 'progress' | 'supervise'> = {}): Promise<void> {
    const { fresh = false, progress = () => undefined, supervise = false } = options
    const waiting = () => progress('another process is starting this stack: waiting for it')
    await alone(join(this.folder, 'start.lock'), waiting, async () => {
      this.#supervised = this.supervisor.stop()
      await this.#supervised
      try {
        await this.#start(fresh, progress)
      } finally {
        if (supervise && this.parts.some(({ pid }) => pid !== undefined)) await this.supervisor.start()
      }
    })
  }

  /** What could not be started whole is not left behind in part. */
  async #start(fresh: boolean, progress: Progress): Promise<void> {
    this.site.room.furnish()
    await this.#stopIfChanged(progress)
    for (const { name, log } of this.parts.filter(({ died }) => died))
      progress(`${name} had died and is started again; what it said last is in ${log}.1`)
    const missing = this.parts.filter(({ pid }) => pid === undefined)
    for (const part of missing) await part.endOrphans()
    await refuseTaken(missing.flatMap(({ listens }) => listens))
    try {
      await this.#startParts(fresh)
    } catch (error) {
      for (const part of missing.reverse()) await part.stop()
      throw error
    }
  }

  async #startParts(fresh: boolean): Promise<void> {
    const asterisk = this.part('asterisk').start()
    asterisk.catch(() => undefined) // reported below, after what failed before it
    await this.part('mysql').start()
    if (fresh) await dropDatabase(this.site)
    await migrateStack(this.site)
    await this.part('kamailio').start()
    await asterisk
    const hashdial = this.#parts.get('hashdial')
    if (!hashdial) return
    await hashdial.start()
    if (await becomesTrue(15_000, async () => (await health(this.site)).status === 'ok')) return
    throw new StackError(`Hashdial is not well: ${JSON.stringify(await health(this.site))}\n${hashdial.lastWords}`)
  }

  /** Ends what this process has started so far, and what it is about to start. What ran before goes on, supervised as it was. */
  async interrupt(): Promise<void> {
    for (const part of [this.supervisor, ...this.parts.reverse()]) await part.interrupt()
    if (!(await this.#supervised) || this.parts.every(({ pid }) => pid === undefined)) return
    await new Part(this.folder, supervisorPlan(this.site)).start()
  }

  /** Parts that run with other settings than those asked for would be left alone otherwise. */
  async #stopIfChanged(progress: Progress): Promise<void> {
    const { ports, address, env } = this.site
    const file = settingsFile(this.folder)
    const settings = JSON.stringify({ ports, address, env, rootfs: this.rootfs })
    const running = this.parts.some(({ pid }) => pid !== undefined)
    if (running && existsSync(file) && readFileSync(file, 'utf8') !== settings) {
      progress('the settings have changed: what runs is started again')
      await this.stop()
    }
    writeSecret(file, settings)
  }

  /** Ends every part, those that use others first, and what one that died has left. Tells which there were. */
  async stop(): Promise<PartName[]> {
    await this.supervisor.stop()
    const ended: PartName[] = []
    for (const part of this.parts.reverse()) if (await part.stop()) ended.unshift(part.name)
    return ended
  }
}

const settingsFile = (folder: string): string => join(folder, 'settings.json')

/** What a stack was started with, for a process that is to find the same one. */
export function readSettings(name: string): StackOptions {
  const file = settingsFile(join(checkout, '.stack', name))
  return { ...(JSON.parse(readFileSync(file, 'utf8')) as Omit<StackOptions, 'name'>), name }
}

function supervisorPlan({ name }: Site): Plan {
  return {
    ...{ name: 'supervisor', seconds: 30, listens: [], prepare: () => undefined },
    spawn: (options) =>
      spawn(process.execPath, ['--import', 'tsx', 'src/stack/supervise.ts', name], { ...options, cwd: checkout }),
    answers: () => Promise.resolve(true),
  }
}

/** The stack as it is, running or not. */
export async function openStack(options: StackOptions): Promise<Stack> {
  const { name, hashdial = true, env = {}, address = '127.0.0.1', progress = () => undefined } = options
  process.umask(0o022) // what the stack makes is read by its users; what is secret is closed by itself
  const rootfs = await ensureRootfs(progress)
  const folder = join(checkout, '.stack', name)
  mkdirSync(folder, { recursive: true })
  chmodSync(folder, 0o755) // the parts’ users have to come through; what is secret is closed by itself
  const ports = { ...(portsByName[name] ?? portsByName.test!), ...options.ports }
  const room = new Room(rootfs, folder)
  const secrets = loadSecrets(folder)
  const site = { name, room, ports, secrets, address, baseDomain: 'hashdial.test', env }
  const { moreAsterisks = [] } = options
  return new Stack({ ...site, moreAsterisks }, hashdial)
}

/** Brings a stack up, or what of it is not running, and returns when every part answers. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const stack = await openStack(options)
  await stack.start(options)
  return stack
}
