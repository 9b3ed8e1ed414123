import type { AriNode } from '../ari/connection.ts'
import type { Call } from '../calls/call.ts'
import type { PartKind } from '../calls/parts.ts'
import { isInterrupted, livesOn, type KeptRun } from '../calls/run.ts'
import { now, type DataSource } from '../database.ts'
import type { KeyRing } from '../database/secrets.ts'
import type { WriteBehind } from '../database/write-behind.ts'
import { HashdialError } from '../errors.ts'
import type { EventOf } from '../events/event.ts'
import { idOf } from '../id.ts'
import type { Logger } from '../log.ts'
import { CallElsewhere } from '../nodes/elsewhere.ts'
import { mustBeWithin } from './budget.ts'
import { Chat } from './chat.ts'
import { Conversation } from './conversation.ts'
import type { ConversationHouse } from './house.ts'
import { Dialogue } from './dialogue.ts'
import type { Member } from './engine.ts'
import { gateOf } from './gate.ts'
import { Generation, justSay } from './generation.ts'
import { briefOf } from './brief.ts'
import { handOver, partiesOf, type Handover, type HandoverHouse } from './handover.ts'
import { Assistance } from './members.ts'
import { Pipeline } from './pipeline.ts'
import { Realtime } from './realtime.ts'
import { summaryOf } from './summary.ts'
import type { AicallRow, AiRow, EndReason, NamedDestination } from './row.ts'
import { scripted } from './scripted.ts'
import { ToolRun, type Ending } from './tool-run.ts'

/** What conversations need of the house around them. */
export interface ConversationsHouse extends HandoverHouse {
  readonly writes: WriteBehind
  readonly eventOf: EventOf
  readonly secrets: KeyRing
  readonly log: Logger
}

export interface TalkOptions {
  ai_id?: string
  team_id?: string
  /** The conversation that this one follows, with what was said in it. */
  continues?: string
}

const apology = 'I am sorry, something went wrong here. Goodbye.'
const sorry = 'I am sorry, I lost you for a moment. Please go on.'

/** The callers who talk with AIs at the Asterisks of this process. */
export class Conversations implements PartKind {
  readonly #live = new Map<string, { row: AicallRow; dialogue: Dialogue; conversation?: Conversation }>()
  readonly #chat: Chat

  constructor(readonly house: ConversationsHouse) {
    this.#chat = new Chat(house.web)
  }

  /** Resolves to how it ended. Throws a HashdialError where it cannot begin, and the call's reason. */
  async talk(run: KeptRun, options: TalkOptions): Promise<Ending> {
    const { database, secrets } = this.house
    const assistance = await Assistance.find({ database, secrets }, run.call.row.customer_id, options)
    const found = run.recovered ? await this.#again(run) : undefined
    const member = await assistance.member(found?.row.current_member_id ?? null, run.variables, found?.row.ai_id)
    const { row, dialogue } = found ?? (await this.#begin(run, assistance, member, options))
    run.variables['hashdial.aicall.id'] = row.id
    const conversation = new Conversation(this.#around(run, row, dialogue, assistance), run, dialogue, member)
    this.#live.set(row.id, { row, dialogue, conversation })
    let reason: EndReason = 'hangup'
    try {
      if (found && run.memory['handover'] && (await this.#handOver(run)))
        return this.#over(run, (reason = 'handed_over'))
      const first = found ? sorry : options.continues ? undefined : member.ai.greeting
      const left = Date.parse(row.tm_create) + member.ai.max_duration - Date.now()
      const ending = await conversation.untilOver(first, left)
      reason = ending.reason
      await this.#sumUp(run, row, dialogue, conversation.member)
      return { ...this.#over(run, reason), ...ending }
    } catch (error) {
      if (error instanceof HashdialError) this.#over(run, (reason = 'failed'))
      throw error
    } finally {
      if (!isInterrupted(run)) this.#live.delete(row.id)
      if (!livesOn(run)) this.#end(row, reason)
    }
  }

  /** Ends one that goes on. Throws where another process carries it. */
  async end(row: AicallRow): Promise<void> {
    const live = this.#live.get(row.id)?.conversation
    if (live) return live.finish({ reason: 'stopped' })
    if (row.tm_end === null) throw new CallElsewhere(row.node)
    throw new HashdialError('FAILED_PRECONDITION', 'AICALL_ENDED', 'the conversation has ended already')
  }

  async adopt(node: AriNode, callOf: (id: string) => Call | undefined): Promise<void> {
    const rows = this.#database.getRepository<AicallRow>('aicalls')
    const open: { id: string }[] = await this.#database.query(
      'SELECT id FROM aicalls WHERE node = ? AND tm_end IS NULL',
      [node.name],
    )
    for (const { id } of open) {
      const row = this.#live.has(id) ? null : await rows.findOneBy({ id })
      if (row?.tm_end === null && !callOf(row.reference_id)) this.#end(row, 'hangup')
    }
  }

  get #database(): DataSource {
    return this.house.database
  }

  /** The conversation that this action had begun before a crash, or before Asterisk went away. */
  async #again(run: KeptRun): Promise<{ row: AicallRow; dialogue: Dialogue } | undefined> {
    const id = placeOf(run)
    const live = this.#live.get(id)
    if (live) return live
    const row = await this.#database.getRepository<AicallRow>('aicalls').findOneBy({ id })
    if (row?.tm_end !== null) return undefined
    const dialogue = this.#dialogue(row)
    await dialogue.load(id)
    return { row, dialogue }
  }

  async #begin(run: KeptRun, assistance: Assistance, member: Member, { continues }: TalkOptions) {
    const row = newRow(run, assistance, member)
    await mustBeWithin(this.#database, member.ai)
    const dialogue = this.#dialogue(row)
    if (continues) await dialogue.load(continues)
    const { eventOf, writes } = this.house
    await writes.store([['aicalls', row] as const, ['events', eventOf('aicall', 'created', row)] as const])
    return { row, dialogue }
  }

  #dialogue(row: AicallRow): Dialogue {
    const { eventOf, writes, log } = this.house
    const warn = (err: Error) => log.warn({ err, aicall: row.id }, 'what was said to an AI could not be stored')
    return new Dialogue({ database: this.#database, writes, eventOf, warn }, row)
  }

  #around(run: KeptRun, row: AicallRow, dialogue: Dialogue, assistance: Assistance): ConversationHouse {
    const { sounds, log, web } = this.house
    const { voice } = sounds
    const member = (id: string | null, aiId?: string) => assistance.member(id, run.variables, aiId)
    // Two that name each other would be asked in turns for ever.
    const tried = new Set([row.ai_id])
    return {
      log: log.child({ call: run.call.id, aicall: row.id }),
      tools: new ToolRun(run, web),
      engineFor: (one, events) => {
        const { engine_type, stt_type, tts_type } = one.ai
        const owner = one.ai.customer_id
        if (engine_type === 'realtime')
          return new Realtime({ ...events, web, gate: gateOf(voice), owner, dialogue }, one)
        const llm = engine_type === 'scripted' ? scripted : this.#chat
        return new Pipeline(
          { ...events, llm, owner, dialogue, stt: voice.stt(stt_type), tts: voice.tts(tts_type) },
          one,
        )
      },
      member,
      next: async ({ ai, id }) => {
        const [first] = await assistance.existing(ai.fallback_ai_ids.filter((other) => !tried.has(other)))
        return first === undefined ? undefined : member(id, first)
      },
      apology: () => {
        const offline = { ai: { tts_voice_id: '', stt_language: '' } as AiRow }
        const house = { llm: justSay(apology), tts: voice.tts(), owner: row.customer_id }
        return new Generation(house, { ...offline, prompt: '', key: '', tools: [] }, [], run.signal).utterance
      },
      switched: ({ ai, id }) => {
        tried.add(ai.id)
        Object.assign(row, { ai_id: ai.id, current_member_id: id, tm_update: now() })
        dialogue.add({ role: 'notification', content: `${ai.name || 'Another AI'} talks with the caller now.` })
        this.#tell(row, 'member_switched')
      },
      tell: (what) => this.#tell(row, what),
      connect: (destination) => this.#connect(run, dialogue, destination),
    }
  }

  async #connect(run: KeptRun, dialogue: Dialogue, destination: NamedDestination): Promise<boolean> {
    const parties = await partiesOf(this.house, run.call.row.customer_id, destination)
    if (parties.length === 0) return false
    const brief = destination.handover === 'warm' ? briefOf(run.call, dialogue) : ''
    const number = Number(run.memory['handovers'] ?? 0) + 1
    Object.assign(run.memory, { handovers: number, handover: { number, parties, brief } satisfies Handover })
    return this.#handOver(run)
  }

  async #handOver(run: KeptRun): Promise<boolean> {
    const outcome = await handOver(run, this.house, run.memory['handover'] as Handover).catch((error: unknown) => {
      if (error instanceof HashdialError && error.status === 'RESOURCE_EXHAUSTED') return { talked: false }
      throw error
    })
    if (outcome.talked) return true
    // After a crash nobody is to be called again who has refused.
    delete run.memory['handover']
    await run.save()
    return false
  }

  /** For the flow that follows. */
  async #sumUp(run: KeptRun, row: AicallRow, dialogue: Dialogue, member: Member): Promise<void> {
    const known = member.ai.variable_names.filter((name) => Object.hasOwn(run.variables, name))
    row.variables = Object.fromEntries(known.map((name) => [name, run.variables[name]!]))
    row.summary = await summaryOf(this.#chat, member, dialogue, run.signal)
    run.variables['hashdial.aicall.summary'] = row.summary
  }

  #over(run: KeptRun, reason: EndReason): Ending {
    run.variables['hashdial.aicall.status'] = reason
    return { reason }
  }

  #end(row: AicallRow, reason: EndReason): void {
    Object.assign(row, { status: 'terminated', end_reason: reason, tm_end: now(), tm_update: now() })
    this.#store(row, this.house.eventOf('aicall', 'ended', row))
  }

  /** They are about an AI, and found by the conversation. */
  #tell(row: AicallRow, what: string): void {
    this.#store(row, { ...this.house.eventOf('aicall', 'updated', row), type: `ai_${what}` })
  }

  #store(row: AicallRow, event: ReturnType<EventOf>): void {
    const stored = this.house.writes.store([['aicalls', row] as const, ['events', event] as const], 'soon')
    stored.catch((err: Error) => this.house.log.warn({ err, aicall: row.id }, 'a conversation could not be stored'))
  }
}

/** The same in every run of the action. */
const placeOf = (run: KeptRun): string => idOf(`aicall-${run.id}`)

function newRow(run: KeptRun, { type, id }: Assistance, { ai, id: member_id }: Member): AicallRow {
  const { call } = run
  return {
    ...{ id: placeOf(run), customer_id: call.row.customer_id, assistance_type: type, assistance_id: id, ai_id: ai.id },
    ...{ current_member_id: member_id, activeflow_id: call.row.activeflow_id, reference_type: 'call' },
    ...{ reference_id: call.id, node: call.node.name, status: 'progressing', end_reason: '', variables: {} },
    summary: '',
    ...{ tm_end: null, tm_create: now(), tm_update: null },
  }
}
