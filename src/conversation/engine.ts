import type { Pcm } from '../voice/pcm.ts'
import type { AiRow, TeamMember, Timing, ToolCall } from './row.ts'
import type { HttpTool } from './http-tool.ts'
import type { Tool } from './tool.ts'
import type { Utterance } from './utterance.ts'

/** Who talks: an AI, as a member of a team or alone. */
export interface Member {
  /** Of the team; null: it is alone. */
  readonly id: string | null
  readonly ai: AiRow
  /** The variables are filled in. */
  readonly prompt: string
  readonly key: string
  readonly tools: readonly Tool[]
  readonly httpTools: readonly HttpTool[]
  readonly transitions: TeamMember['transitions']
}

/** Something that is to be said, and what is called then. */
export interface Answer {
  readonly utterance: Utterance
  readonly calls?: Promise<readonly ToolCall[]>
  readonly timing?: Timing
  readonly protectMs?: number
}

export type EngineEvent =
  /** The caller begins to speak. */
  | { type: 'speech' }
  /** So far they have said this, since they began. */
  | { type: 'partial'; text: string }
  /** They fell silent; '': that was no word. They may go on. */
  | { type: 'silence'; text: string }
  /** It is the turn of the AI: `answer` lets it speak. Undefined: what was said is in the dialogue already, or will be. */
  | { type: 'turn'; text: string | undefined; timing: Timing }
  /** It speaks, and calls these tools when it has said it. Rejects where the provider fails. */
  | { type: 'answer'; utterance: Utterance; calls: Promise<readonly ToolCall[]>; timing: Timing }
  /** It has not understood something. */
  | { type: 'failed'; error: unknown }
  /** It hears and says nothing any more. */
  | { type: 'lost'; error: unknown }

/**
 * What hears a caller and has something to say. The conversation decides when it may: it interrupts, and it knows what
 * was heard. Another protocol is one more file.
 */
export interface Engine {
  /** Begins to hear. */
  start(): Promise<void>
  hear(sound: Pcm): void
  /** Says this as it is. */
  say(text: string): Utterance
  /** Answers what was said and done last. */
  answer(): void
  /** What the caller has just said is not to be answered. */
  drop(): void
  /** What it is about to say is not wanted any more; so much was heard of what it said. */
  stop(heardMs: number): void
  close(): Promise<void>
}
