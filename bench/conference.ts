import { randomUUID } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection } from 'mysql2/promise'
import { startStack, type Stack } from '../src/stack/stack.ts'
import { sdp } from '../test/calls/support.ts'
import { makeConference } from '../test/conferences/support.ts'
import { inside } from '../test/support/caller.ts'
import type { Setup } from '../test/support/setup.ts'
import type { SipClient } from '../test/support/sip.ts'
import { address, ports } from './load.ts'
import { withSetup } from './setup.ts'

const step = 50
const most = 1_000
/** How long each size is looked at, and how much of the sound may be missing, or later than three frames. */
const holdSeconds = 3
const badMost = 0.01
const frameMs = 20

/** How many participants hear each other without a gap: in a conference of Hashdial, and in ConfBridge on the same Asterisk. */
export async function benchConference(): Promise<void> {
  const stack = await startStack({ name: 'bench-conference', ports, fresh: true, progress: console.log })
  try {
    await withSetup(stack, 'conference', async (setup) => {
      const floor = await confBridge(setup, stack)
      const { direct_uri } = await makeConference(setup, { menu: false })
      const confbridge = await highest(setup, 'ConfBridge', floor)
      const hashdial = await highest(setup, 'Hashdial', direct_uri)
      console.log(
        `participants: ConfBridge ${confbridge}, Hashdial ${hashdial}, ratio ${(hashdial / confbridge).toFixed(2)}`,
      )
    })
  } finally {
    await stack.stop()
  }
}

/** An address that leads to ConfBridge() in the dialplan, behind the same Kamailio. */
async function confBridge(setup: Setup, stack: Stack): Promise<string> {
  await stack.run('asterisk', ['-rx', 'module load app_confbridge.so'])
  for (const [priority, application] of ['Answer()', 'ConfBridge(floor)'].entries())
    await stack.run('asterisk', ['-rx', `dialplan add extension _floor.,${priority + 1},${application} into hashdial`])
  const database = await createConnection(stack.databaseUrl)
  const user = await address(database, setup.customer.id, 'floor', randomUUID())
  await database.end()
  return `sip:${user}@sip.hashdial.test`
}

async function highest(setup: Setup, name: string, uri: string): Promise<number> {
  const all: Participant[] = []
  const timer = clock(all)
  try {
    for (;;) {
      for (let count = 0; count < step; count++) all.push(await Participant.join(setup, uri))
      await sleep(1_000)
      // Once may be somebody else on the machine.
      const bad = Math.min(await badPart(all), all.length > step ? await badPart(all) : 1)
      console.log(`  ${name}: ${all.length} participants, ${(bad * 100).toFixed(2)} % of the sound missing or late`)
      if (bad > badMost || all.length >= most) return bad > badMost ? all.length - step : all.length
    }
  } finally {
    timer()
    await Promise.all(all.map((one) => one.leave()))
  }
}

/** Each sends a frame at its time; late ones are sent at once. */
function clock(all: readonly Participant[]): () => void {
  const begun = performance.now()
  let frames = 0
  const timer = setInterval(() => {
    for (const due = (performance.now() - begun) / frameMs; frames < due; frames++) for (const one of all) one.send()
  }, frameMs / 2)
  return () => clearInterval(timer)
}

async function badPart(all: readonly Participant[]): Promise<number> {
  for (const one of all) one.reset()
  const begun = performance.now()
  await sleep(holdSeconds * 1_000)
  const frames = (performance.now() - begun) / frameMs
  const bad = all.reduce((sum, { heard, late }) => sum + Math.max(0, frames - 3 - heard) + late, 0)
  return bad / (frames * all.length)
}

class Participant {
  heard = 0
  late = 0
  #last = 0
  #sequence = 0
  readonly #packet = Buffer.alloc(172, 0xff)

  private constructor(
    readonly sip: SipClient,
    readonly socket: Socket,
    readonly port: number,
    readonly bye: () => Promise<unknown>,
  ) {
    // A quiet noise: what is silent would cost less.
    for (let index = 12; index < 172; index++) this.#packet[index] = 0xf0 | (index % 16)
    this.#packet.writeUInt16BE(0x8000, 0)
    this.#packet.writeUInt32BE(Math.floor(Math.random() * 2 ** 32), 8)
    socket.on('message', () => this.#hear())
  }

  static async join(setup: Setup, uri: string): Promise<Participant> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const sip = await setup.sip()
    const own = { callId: randomUUID() as string, tag: 'participant' }
    const answer = await sip.request('INVITE', { ...own, uri, cseq: 1, body: sdp('127.0.0.1', socket.address().port) })
    if (answer.status !== 200) throw new Error(`a participant was answered ${answer.start}`)
    const dialog = inside(answer, own)
    sip.send(sip.compose('ACK', { ...dialog, cseq: 1 }))
    const port = Number(/m=audio (\d+) /.exec(answer.body)?.[1])
    return new Participant(sip, socket, port, () => sip.request('BYE', { ...dialog, cseq: 2 }))
  }

  send(): void {
    this.#packet.writeUInt16BE(this.#sequence & 0xffff, 2)
    this.#packet.writeUInt32BE(this.#sequence++ * 160, 4)
    this.socket.send(this.#packet, this.port, '127.0.0.1')
  }

  reset(): void {
    this.heard = 0
    this.late = 0
    this.#last = performance.now()
  }

  async leave(): Promise<void> {
    await this.bye().catch(() => undefined)
    this.socket.close()
  }

  #hear(): void {
    const now = performance.now()
    if (now - this.#last > 4 * frameMs) this.late++
    this.#last = now
    this.heard++
  }
}
