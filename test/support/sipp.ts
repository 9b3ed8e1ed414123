import type { ExecutionContext } from 'ava'
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { becomesTrue } from '../../src/stack/shell.ts'
import type { Stack } from '../../src/stack/stack.ts'
import { freePort } from './ports.ts'

export interface SippOptions {
  /** A file of test/support/sipp, without `.xml`. */
  scenario: string
  /** ip:port to send to; without it SIPp waits for calls. */
  target?: string
  /** Ends after this many calls: 1 for a caller; a device goes on until its result is asked for. */
  calls?: number
  /** New calls a second (10), and how many at the same time at most. */
  rate?: number
  limit?: number
  /** Milliseconds of the scenario’s `<pause/>` (0). */
  pause?: number
  /** What `uas-reject` answers, such as `603 Decline`. */
  status?: string
  /** `[name]` in the scenario. */
  keys?: Record<string, string>
  address?: string
  port?: number
  transport?: 'u1' | 't1' | 'tn'
  /** More of SIPp’s own options. */
  args?: readonly string[]
  /** Keep every message (the default; off for a load). */
  messages?: boolean
}

export interface SippResult {
  /** 0: every call went as the scenario says. */
  code: number
  successful: number
  failed: number
  /** The last row of SIPp’s statistics, by column. */
  stats: Record<string, string>
  /** Every message sent and received, as text. */
  messages: string
  log: string
}

let runs = 0

/** A SIPp that is running inside the stack’s rootfs. */
export class Sipp {
  readonly #process: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #folder: string
  readonly #endless: boolean
  #log = ''

  private constructor(
    stack: Stack,
    readonly port: number,
    options: SippOptions,
  ) {
    this.#endless = options.target === undefined && options.calls === undefined
    const name = `${process.pid}-${runs++}`
    this.#folder = join(stack.folder, 'sipp', name)
    mkdirSync(this.#folder, { recursive: true })
    // SIPp wants its statuses literally in the scenario.
    const scenario = readFileSync(new URL(`sipp/${options.scenario}.xml`, import.meta.url), 'utf8')
    writeFileSync(
      join(this.#folder, 'scenario.xml'),
      scenario.replaceAll('{status}', options.status ?? '486 Busy Here'),
    )
    this.#process = stack.spawn('sipp', argumentsOf(options, `/stack/sipp/${name}`, port))
    this.#ended = once(this.#process, 'close')
    this.#process.stdout?.on('data', (chunk: Buffer) => (this.#log = (this.#log + chunk.toString()).slice(-8192)))
    this.#process.stderr?.on('data', (chunk: Buffer) => (this.#log = (this.#log + chunk.toString()).slice(-8192)))
  }

  static async start(stack: Stack, options: SippOptions): Promise<Sipp> {
    const sipp = new Sipp(stack, options.port ?? (await freePort(options.address)), options)
    const ended = () => sipp.#process.exitCode !== null
    const listens = await becomesTrue(5_000, () => ended() || isBound(sipp.port, options.transport))
    const { exitCode } = sipp.#process
    if (!listens || (exitCode !== null && exitCode > 100)) throw new Error(`SIPp does not come up: ${sipp.#log}`)
    return sipp
  }

  /** Waits until its calls are over. A device’s OPTIONS from Kamailio are among its calls. */
  async result(): Promise<SippResult> {
    if (this.#endless && this.#process.exitCode === null) this.#process.kill('SIGUSR1') // its calls under way are finished
    await this.#ended
    const read = (file: string) =>
      existsSync(join(this.#folder, file)) ? readFileSync(join(this.#folder, file), 'utf8') : ''
    const [head = '', ...rows] = read('stats.csv').trim().split('\n')
    const values = rows.at(-1)?.split(';') ?? []
    const stats = Object.fromEntries(head.split(';').map((column, index) => [column, values[index] ?? '']))
    const result = {
      code: this.#process.exitCode ?? -1,
      successful: Number(stats['SuccessfulCall(C)'] ?? 0),
      failed: Number(stats['FailedCall(C)'] ?? 0),
      stats,
      messages: read('messages.log'),
      log: this.#log + read('errors.log'),
    }
    rmSync(this.#folder, { recursive: true, force: true })
    return result
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.kill('SIGKILL')
    await this.#ended
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Is the port taken, as the kernel tells (proc_net(5))? Then a call to it is not lost. */
function isBound(port: number, transport = 'u1'): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return readFileSync(transport === 'u1' ? '/proc/net/udp' : '/proc/net/tcp', 'utf8').includes(`:${hex} 00000000:0000`)
}

function argumentsOf(options: SippOptions, folder: string, port: number): string[] {
  const {
    target,
    calls = target === undefined ? 0 : 1,
    rate = 10,
    limit,
    pause = 0,
    keys = {},
    transport = 'u1',
  } = options
  const { args = [], messages = true, address = '127.0.0.1' } = options
  return [
    ...(target === undefined ? [] : [target]),
    ...['-sf', `${folder}/scenario.xml`],
    ...['-i', address, '-p', String(port), '-t', transport],
    ...['-r', String(rate), '-d', String(pause)],
    ...(calls === 0 ? [] : ['-m', String(calls)]),
    ...(limit === undefined ? [] : ['-l', String(limit)]),
    ...Object.entries(keys).flatMap(([name, value]) => ['-key', name, value]),
    ...['-trace_stat', '-stf', `${folder}/stats.csv`, '-fd', '1'],
    ...['-trace_err', '-error_file', `${folder}/errors.log`],
    ...(messages ? ['-trace_msg', '-message_file', `${folder}/messages.log`] : []),
    ...['-nostdin', '-timeout_error', ...args],
  ]
}

/** Raw µ-law for the scenario uac-sound, under the name by which SIPp sees the file. */
export function soundFile(t: ExecutionContext, folder: string, sound: Uint8Array): string {
  const name = `sound-${randomUUID()}.ulaw`
  mkdirSync(join(folder, 'sipp'), { recursive: true })
  writeFileSync(join(folder, 'sipp', name), sound)
  t.teardown(() => rmSync(join(folder, 'sipp', name), { force: true }))
  return `/stack/sipp/${name}`
}
