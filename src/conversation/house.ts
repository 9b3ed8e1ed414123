import type { Logger } from '../log.ts'
import type { Engine, EngineEvent, Member } from './engine.ts'
import type { ToolOutcome, ToolRun } from './tool-run.ts'
import type { Utterance } from './utterance.ts'

/** What a conversation needs of those who know more than it. */
export interface ConversationHouse {
  readonly tools: ToolRun
  readonly log: Logger
  engineFor(member: Member, events: { tell(event: EngineEvent): void; speaks(): boolean; signal: AbortSignal }): Engine
  member(id: string): Promise<Member>
  /** Who goes on when the provider of this one fails; undefined: nobody. */
  next(member: Member): Promise<Member | undefined>
  /** What is said when nobody else can go on: it needs no provider. */
  apology(): Utterance
  /** Another talks now. */
  switched(member: Member): void
  tell(what: 'interrupted' | 'false_interruption'): void
  /** Connects the caller with somebody; resolves to whether they talked, when they have done so. */
  connect(outcome: NonNullable<ToolOutcome['connect']>): Promise<boolean>
}
