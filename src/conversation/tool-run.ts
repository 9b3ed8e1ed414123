import type { KeptRun } from '../calls/run.ts'
import type { EndReason, NamedDestination, ToolCall } from './row.ts'
import type { Member } from './engine.ts'
import type { Web } from '../web.ts'
import { callHttpTool } from './http-tool.ts'
import { argumentsOf } from './tool.ts'

/** How a conversation ends, and where the flow goes on. */
export interface Ending {
  readonly reason: EndReason
  /** The flow ends with it. */
  readonly endsFlow?: true
  /** The caller is put into this queue. */
  readonly queueId?: string
}

/** What comes of the call of a tool: what the model is told, and what follows. */
export interface ToolOutcome {
  readonly result: string
  readonly ending?: Ending
  /** Another member of the team talks from now on. */
  readonly memberId?: string
  /** The caller is to be connected with them. */
  readonly connect?: NamedDestination
  /** There is nothing to say to it. */
  readonly isSilent?: true
}

/** In one call; in a row without a word of the caller. */
const callsMax = 25
const hopsMax = 20
const hopsInARow = 3
const legsMax = 3
const valueLength = 1_000
const callsInARow = 5
/** So long a tool may take before the filler is said, in milliseconds. */
const fillerMs = 700

/** Who carries out what is more than a result. */
interface Host {
  /** Resolves when it was heard, or interrupted. */
  say(text: string): Promise<void>
  told(result: string, callId: string): void
  /** Resolves to whether they talked, when they have done so. */
  connect(destination: NamedDestination): Promise<boolean>
  switchTo(memberId: string): Promise<void>
}

/**
 * Carries out what a model wants done, as far as the AI may do it: what a model says is no authority, whatever a caller
 * has talked it into. It never rejects: a model is told what was wrong, and can mend it.
 */
export class ToolRun {
  #calls = 0
  #legs = 0
  #hops = 0
  #hopsInARow = 0
  #before: string | null = null
  #inARow = 0

  constructor(
    readonly run: KeptRun,
    readonly web: Web,
  ) {}

  /** The caller has said something: hand-overs between members are counted anew. */
  callerSpoke(): void {
    this.#hopsInARow = 0
    this.#before = null
    this.#inARow = 0
  }

  /** One after another. Resolves to the end of the conversation, or to whether there is something to say. */
  async doAll(calls: readonly ToolCall[], member: () => Member, host: Host): Promise<Ending | 'answer' | 'silent'> {
    let isSilent = true
    for (const call of calls) {
      const isTooMany = ++this.#inARow > callsInARow
      const outcome = isTooMany
        ? refused('too much at once; talk with the caller')
        : await this.#doAudibly(call, member(), host)
      // What comes of a queue is known to the conversation that follows it.
      if (outcome.ending?.queueId) return outcome.ending
      const talked = outcome.connect !== undefined && (await host.connect(outcome.connect))
      host.told(talked ? 'They have talked.' : outcome.result, call.id)
      if (talked) return { reason: 'handed_over' }
      if (outcome.ending) return outcome.ending
      if (outcome.memberId !== undefined) await host.switchTo(outcome.memberId)
      isSilent &&= outcome.isSilent === true
    }
    // A model that does nothing but call tools is not asked again before the caller has said something.
    return isSilent || this.#inARow > 2 * callsInARow ? 'silent' : 'answer'
  }

  /** Who waits for a tool that takes its time hears so. */
  async #doAudibly(call: ToolCall, member: Member, host: Host): Promise<ToolOutcome> {
    const filler = member.httpTools.find(({ name }) => name === call.name)?.filler ?? ''
    let said: Promise<void> | undefined
    const timer = setTimeout(() => {
      if (filler) said = host.say(filler)
    }, fillerMs)
    const outcome = await this.do(call, member).finally(() => clearTimeout(timer))
    await said
    return outcome
  }

  async do(call: ToolCall, member: Member): Promise<ToolOutcome> {
    const given = argumentsOf(call)
    if (++this.#calls > callsMax) return refused('too many tools were called in this conversation')
    if (!member.tools.some(({ name }) => name === call.name))
      return refused(`there is no tool ${call.name.slice(0, 64)}`)
    if (!given) return refused('the arguments are no JSON object')
    const transition = member.transitions.find(({ function_name }) => function_name === call.name)
    if (transition) return this.#handOn(member, transition.next_member_id)
    const http = member.httpTools.find(({ name }) => name === call.name)
    if (http) return { result: await callHttpTool(this.web, http, given, this.run.signal) }
    return this.#own(call.name, given, member)
  }

  async #own(name: string, given: Record<string, unknown>, { ai }: Member): Promise<ToolOutcome> {
    if (name === 'stop_media') return { result: 'silent', isSilent: true }
    if (name === 'stop_service') return { result: 'ended', ending: { reason: 'stopped' } }
    if (name === 'stop_flow') return { result: 'ended', ending: { reason: 'stopped', endsFlow: true } }
    if (name === 'send_digits') return this.#press(given.digits)
    if (name === 'get_variables') return this.#variables(ai.variable_names)
    if (name === 'set_variables') return this.#setVariables(given, ai.variable_names)
    const found = ai.destinations.find((one) => one.name === given.name)
    if (!found || (found.type === 'queue') !== (name === 'queue_join')) return refused('there is none of this name')
    if (found.type === 'queue')
      return { result: 'the caller waits', ending: { reason: 'handed_over', queueId: found.target! } }
    if (++this.#legs > legsMax) return refused('too many were called already')
    return { result: 'nobody took the call', connect: found }
  }

  #handOn({ id }: Member, next: string): ToolOutcome {
    if (next === this.#before)
      return refused('the caller was with this colleague a moment ago: talk with them yourself')
    if (++this.#hopsInARow > hopsInARow || ++this.#hops > hopsMax)
      return refused('the caller was handed over too often: talk with them yourself')
    this.#before = id
    return { result: 'You talk with the caller now. Go on where your colleague was.', memberId: next }
  }

  async #press(digits: unknown): Promise<ToolOutcome> {
    if (typeof digits !== 'string' || !/^[0-9A-D*#]{1,32}$/.test(digits))
      return refused('digits must be 1 to 32 of 0-9, A-D, * and #')
    const { channelId, node } = this.run.call
    await node.ari.channels.sendDTMF({ channelId, dtmf: digits })
    return { result: 'pressed' }
  }

  #variables(names: readonly string[]): ToolOutcome {
    const { variables } = this.run
    const known = names.filter((name) => Object.hasOwn(variables, name)).map((name) => [name, variables[name]])
    return { result: JSON.stringify(Object.fromEntries(known)).slice(0, 4_096) }
  }

  #setVariables(given: Record<string, unknown>, names: readonly string[]): ToolOutcome {
    const others = Object.keys(given).filter((name) => !names.includes(name))
    if (others.length > 0) return refused(`there is no variable ${others[0]!.slice(0, 64)}`)
    for (const [name, value] of Object.entries(given)) {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      this.run.variables[name] = (text ?? '').slice(0, valueLength)
    }
    return { result: 'noted' }
  }
}

const refused = (why: string): ToolOutcome => ({ result: `This was not done: ${why}.` })
