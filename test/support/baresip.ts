import type { ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { becomesTrue } from '../../src/stack/shell.ts'
import type { Stack } from '../../src/stack/stack.ts'
import { freePort } from './ports.ts'

/** An event of baresip, as its module ctrl_tcp tells it. */
export interface BaresipEvent {
  type: string
  direction?: string
  peeruri?: string
  id?: string
  param?: string
}

interface Answer {
  ok: boolean
  data: string
  token?: string
}

/**
 * One baresip: started inside the stack’s rootfs, remote-controlled over TCP (netstrings of JSON). It plays a sine tone
 * and writes what it hears into a file.
 */
export class Baresip {
  readonly events: BaresipEvent[] = []
  readonly #news = new EventEmitter()
  readonly #process: ChildProcess
  readonly #folder: string
  #socket!: Socket
  #commands = 0

  private constructor(
    stack: Stack,
    readonly name: string,
    readonly sipPort: number,
    readonly controlPort: number,
    tone: number,
  ) {
    this.#folder = join(stack.folder, 'phones', name)
    mkdirSync(this.#folder, { recursive: true })
    const inside = `/stack/phones/${name}`
    writeFileSync(join(this.#folder, 'config'), configuration(inside, sipPort, controlPort, tone))
    writeFileSync(join(this.#folder, 'accounts'), '')
    writeFileSync(join(this.#folder, 'contacts'), '')
    this.#process = stack.spawn('baresip', ['-s', '-f', inside], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process.stdout?.on('data', (chunk: Buffer) => (this.log += chunk.toString()))
    this.#process.stderr?.on('data', (chunk: Buffer) => (this.log += chunk.toString()))
  }

  log = ''

  static async start(stack: Stack, name: string, tone: number): Promise<Baresip> {
    for (let attempt = 1; ; attempt++) {
      const baresip = new Baresip(stack, name, await freePort(), await freePort(), tone)
      const gone = () => baresip.#process.exitCode !== null
      const connected = await becomesTrue(10_000, async () => gone() || (await baresip.#connect()))
      if (connected && !gone()) return baresip
      await baresip.stop()
      // It takes the next port too, for TLS, and nobody can keep that free for it.
      if (attempt === 3 || !baresip.log.includes('Address already in use'))
        throw new Error(`baresip ${name} does not come up:\n${baresip.log}`)
    }
  }

  /** The file with what it hears in its current or last call. */
  get recording(): string {
    return join(this.#folder, 'heard.wav')
  }

  async command(command: string, params?: string): Promise<string> {
    const token = String(++this.#commands)
    const text = JSON.stringify({ command, params, token })
    const late = { signal: AbortSignal.timeout(10_000) }
    const answered = once(this.#news, `answer ${token}`, late).catch(() => {
      throw new Error(`baresip ${this.name} does not answer to ${command} ${params ?? ''}:\n${this.log.slice(-2_000)}`)
    }) as Promise<[Answer]>
    this.#socket.write(`${Buffer.byteLength(text)}:${text},`)
    const [{ ok, data }] = await answered
    if (!ok) throw new Error(`baresip ${this.name} refuses ${command}: ${data}`)
    return data
  }

  /** The first event that `wanted` takes, of those from number `since` on; past ones count. */
  async event(wanted: (event: BaresipEvent) => boolean, since = 0, milliseconds = 20_000): Promise<BaresipEvent> {
    const late = AbortSignal.timeout(milliseconds)
    for (;;) {
      const found = this.events.slice(since).find(wanted)
      if (found) return found
      await once(this.#news, 'event', { signal: late }).catch(() => {
        const had = this.events.slice(since).map(({ type, param }) => `${type} ${param ?? ''}`)
        throw new Error(
          `baresip ${this.name} waited ${milliseconds} ms in vain; it had: ${had.join(', ') || 'nothing'}`,
        )
      })
    }
  }

  async stop(): Promise<void> {
    this.#socket?.destroy()
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGKILL')
      await once(this.#process, 'exit')
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #connect(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.controlPort, '127.0.0.1', () => resolve(true))
      socket.on('error', () => resolve(false))
      let received = Buffer.alloc(0)
      socket.on('data', (chunk) => (received = this.#read(Buffer.concat([received, chunk]))))
      this.#socket = socket
    })
  }

  /** Reads the netstrings (`<length>:<text>,`) that are complete, and returns the rest. */
  #read(bytes: Buffer): Buffer<ArrayBuffer> {
    for (;;) {
      const colon = bytes.indexOf(':')
      const end = colon + 1 + Number(bytes.subarray(0, Math.max(colon, 0)).toString())
      if (colon < 0 || bytes.length <= end) return Buffer.from(bytes)
      this.#message(JSON.parse(bytes.subarray(colon + 1, end).toString()) as BaresipEvent & Answer)
      bytes = bytes.subarray(end + 1)
    }
  }

  #message(message: BaresipEvent & Answer): void {
    if (message.token !== undefined) this.#news.emit(`answer ${message.token}`, message)
    if (message.type === undefined) return
    this.events.push(message)
    this.#news.emit('event')
  }
}

/**
 * ausine plays at 48 kHz only; baresip resamples to what the codec wants. In `audio_path` are no sounds: baresip would play
 * ringing into the same file as the call, and its aufile module (1.1.0, aufile_play.c) may hang or write on for ever when a
 * sound is stopped before the thread that plays it has begun.
 */
function configuration(folder: string, sipPort: number, controlPort: number, tone: number): string {
  const modules = ['g711', 'ausine', 'aufile', 'account', 'menu', 'ctrl_tcp']
  return `poll_method epoll
sip_listen 127.0.0.1:${sipPort}
net_interface 127.0.0.1
call_local_timeout 120
call_max_calls 4
audio_source ausine,${tone}
ausrc_srate 48000
ausrc_channels 1
audio_player aufile,${folder}/heard.wav
auplay_srate 8000
auplay_channels 1
audio_path ${folder}
rtp_ports 31000-32700
menu_bell no
ctrl_tcp_listen 127.0.0.1:${controlPort}
module_path /usr/lib/baresip/modules
${modules.map((name) => `module ${name}.so`).join('\n')}
`
}
