import type { AiRow, ToolCall } from './row.ts'
import type { Tool } from './tool.ts'

/** Something that was said, or done, as a model is told of it. */
export interface Said {
  readonly role: 'user' | 'assistant' | 'tool'
  readonly content: string
  readonly tool_calls?: readonly ToolCall[]
  readonly tool_call_id?: string
}

export interface LlmRequest {
  readonly ai: AiRow
  /** The provider's key, in plain text. */
  readonly key: string
  /** Who it is; the variables are filled in. */
  readonly prompt: string
  readonly said: readonly Said[]
  readonly tools: readonly Tool[]
  readonly signal: AbortSignal
}

/** A piece of an answer: the next of its text, or a tool that is to be called. */
export type LlmPiece = { text: string } | { call: ToolCall }

/** Text in, text out: the next turn of a conversation. Rejects with a HashdialError that can be told, without the key. */
export interface Llm {
  complete(request: LlmRequest): AsyncIterable<LlmPiece>
}
