import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sdp } from '../calls/support.ts'
import { inside } from '../support/caller.ts'
import type { Extension, Setup } from '../support/setup.ts'
import { header, type RequestOptions, type SipClient, type SipMessage } from '../support/sip.ts'
import { makeAgent, says, type AgentView } from './support.ts'

/** What a device does with a call that comes in. */
type Mood = 'answers' | 'refuses' | 'is busy' | 'lets it ring' | 'is unplugged'

/** The same course in each run, as far as the clock lets it. */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 4294967296
  }
}

const between = (random: () => number, from: number, to: number): number => from + random() * (to - from)

/** An agent whose device is moody. Its SIP is made here, packet by packet; it sends no sound. */
export class AgentRobot {
  /** Calls that rang, and those that were answered and acknowledged. */
  rang = 0
  answered = 0
  /** How many it had at the same time, at most. */
  most = 0
  readonly #calls = new Map<string, { invite: SipMessage; tag: string; isAnswered: boolean }>()

  private constructor(
    readonly sip: SipClient,
    readonly agent: AgentView,
    readonly random: () => number,
  ) {
    sip.onMessage = (message) => void this.#on(message)
  }

  static async open(setup: Setup, random: () => number): Promise<AgentRobot> {
    const extension = await setup.extension()
    const sip = await setup.sip()
    await register(sip, extension)
    const robot = new AgentRobot(sip, await makeAgent(setup, extension), random)
    await says(setup, robot.agent, 'available')
    return robot
  }

  /** Answers all from now on. */
  isTame = false

  async #on(message: SipMessage): Promise<void> {
    const callId = header(message, 'call-id')
    const call = this.#calls.get(callId)
    if (message.method === 'OPTIONS' || message.method === 'BYE') this.sip.reply(message, '200 OK')
    if (message.method === 'BYE') this.#calls.delete(callId)
    if (message.method === 'CANCEL' && call) {
      this.sip.reply(message, '200 OK')
      this.sip.reply(call.invite, '487 Request Terminated', [], '', call.tag)
      this.#calls.delete(callId)
    }
    if (message.method === 'ACK' && call && !call.isAnswered) {
      call.isAnswered = true
      this.answered++
      await this.#talk(callId)
    }
    if (message.method === 'INVITE' && !call) await this.#ring(message, callId)
  }

  async #ring(invite: SipMessage, callId: string): Promise<void> {
    const call = { invite, tag: randomUUID(), isAnswered: false }
    const mood = this.#mood()
    if (mood === 'is unplugged') return
    this.rang++
    if (mood === 'is busy') return this.sip.reply(invite, '486 Busy Here')
    this.#calls.set(callId, call)
    this.most = Math.max(this.most, this.#calls.size)
    this.sip.reply(invite, '180 Ringing', [], '', call.tag)
    if (mood === 'lets it ring') return
    await sleep(between(this.random, 100, 1_200))
    if (!this.#calls.has(callId)) return
    if (mood === 'refuses') this.sip.reply(invite, '603 Decline', [], '', call.tag)
    else this.sip.reply(invite, '200 OK', [], sdp('127.0.0.1', 40_000), call.tag)
    if (mood === 'refuses') this.#calls.delete(callId)
  }

  #mood(): Mood {
    const chance = this.isTame ? 0 : this.random()
    if (chance < 0.6) return 'answers'
    if (chance < 0.72) return 'refuses'
    if (chance < 0.82) return 'is busy'
    return chance < 0.94 ? 'lets it ring' : 'is unplugged'
  }

  /** Talks for a while; most often the agent hangs up. */
  async #talk(callId: string): Promise<void> {
    await sleep(between(this.random, 300, 2_500))
    const call = this.#calls.get(callId)
    if (!call || this.random() < 0.3) return
    const { invite, tag } = call
    const [to = ''] = [header(invite, 'from')]
    const routes = (invite.headers.get('record-route') ?? []).flatMap((value) => value.split(/,\s*/))
    const uri = /<([^>]+)>/.exec(header(invite, 'contact'))?.[1] ?? ''
    const bye = { uri, callId, tag, to, from: header(invite, 'to'), extra: routes.map((route) => `Route: ${route}`) }
    this.#calls.delete(callId)
    await this.sip.request('BYE', bye).catch(() => undefined) // the other side may have been faster
  }
}

async function register(sip: SipClient, { username, password, domain_name: domain }: Extension): Promise<void> {
  const aor = `<sip:${username}@${domain}>`
  const answer = await sip.authenticated(
    'REGISTER',
    { uri: `sip:${domain}`, from: aor, to: aor },
    { username, password },
  )
  if (answer.status !== 200) throw new Error(`the agent is not registered: ${answer.start}`)
}

/** A caller who waits as long as their patience lasts. Resolves to whether they came into the queue. */
export async function call(setup: Setup, uri: string, patience: number): Promise<boolean> {
  const sip = await setup.sip()
  let isOver = false
  sip.onMessage = (message) => {
    if (message.method !== 'BYE') return
    sip.reply(message, '200 OK')
    isOver = true
  }
  const own = { callId: randomUUID() as string, tag: 'caller' }
  const invite = { ...own, uri, cseq: 1, body: sdp('127.0.0.1', 40_002) }
  const answer = await sip.request('INVITE', invite, 10_000)
  if (answer.status >= 300) {
    sip.acknowledge(answer, invite)
    return false
  }
  const dialog: RequestOptions = inside(answer, own)
  sip.send(sip.compose('ACK', { ...dialog, cseq: 1 }))
  const end = performance.now() + patience
  while (!isOver && performance.now() < end) await sleep(50)
  if (!isOver) await sip.request('BYE', { ...dialog, cseq: 2 }).catch(() => undefined)
  return true
}
