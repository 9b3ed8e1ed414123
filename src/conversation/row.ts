import type { Destination } from '../calls/party.ts'

// Rows of sql/019-ais.sql, as far as a conversation needs them.

export type EngineType = 'realtime' | 'pipeline' | 'scripted'

/** A person or a place that an AI may send its caller to, by the name that it knows it by. */
export interface NamedDestination {
  readonly name: string
  readonly description?: string
  readonly type: Destination['type'] | 'agent' | 'queue'
  readonly target?: string
  readonly target_name?: string
  /** warm: they hear what it is about, and accept by pressing 1; blind: they are connected at once. */
  readonly handover: 'warm' | 'blind'
}

export interface AiRow {
  readonly id: string
  readonly customer_id: string
  readonly name: string
  readonly engine_type: EngineType
  /** `<provider>.<model>`; '' for a scripted one. */
  readonly engine_model: string
  /** Where the model is, where the provider alone does not say it. */
  readonly engine_url: string
  readonly sealed_engine_key: string
  readonly init_prompt: string
  /** Of a scripted one its rules, of others what the model is given beside (`temperature`). */
  readonly parameter: Readonly<Record<string, unknown>>
  readonly tts_type: string
  readonly tts_voice_id: string
  readonly stt_type: string
  readonly stt_language: string
  readonly vad_config: VadConfig
  readonly tool_names: readonly string[]
  /** What get_variables and set_variables have to do with. */
  readonly variable_names: readonly string[]
  readonly stored_tools: readonly StoredTool[]
  readonly destinations: readonly NamedDestination[]
  readonly fallback_ai_ids: readonly string[]
  readonly budget: Budget
  readonly max_duration: number
  readonly greeting: string
  readonly silence_prompts: readonly string[]
  readonly sensitive: boolean
}

/** A tool that is the customer's own server. */
export interface StoredTool {
  readonly type: 'http'
  readonly name: string
  readonly description: string
  /** JSON Schema. */
  readonly parameters: object
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  /** In milliseconds. */
  readonly timeout: number
  /** What is said while it takes its time; '': nothing. */
  readonly filler: string
  readonly header_names: readonly string[]
  /** The headers as JSON, encrypted; '': none. */
  readonly sealed_headers: string
}

/** Times are in milliseconds. */
export interface VadConfig {
  /** False: the caller cannot interrupt. */
  readonly barge_in: boolean
  /** So long the greeting cannot be interrupted. */
  readonly protect: number
  /** After so much silence the next of the silence prompts is said. */
  readonly silence: number
}

/** 0: no limit. */
export interface Budget {
  /** From the end of what the caller says to the first sound of the answer, in milliseconds. */
  readonly first_audio_ms: number
  readonly minutes_per_day: number
  readonly concurrent_calls: number
}

export interface Transition {
  readonly function_name: string
  readonly description: string
  readonly next_member_id: string
}

export interface TeamMember {
  readonly id: string
  readonly name: string
  readonly ai_id: string
  readonly transitions: readonly Transition[]
}

export interface TeamRow {
  readonly id: string
  readonly customer_id: string
  readonly name: string
  readonly start_member_id: string
  readonly members: readonly TeamMember[]
}

export type EndReason =
  /** While it lasts. */
  | ''
  /** The caller hung up, or the call ended otherwise. */
  | 'hangup'
  /** The AI has ended it. */
  | 'stopped'
  /** The caller was connected with a person, or sent into a queue. */
  | 'handed_over'
  | 'silence'
  | 'max_duration'
  | 'failed'

export interface AicallRow {
  readonly id: string
  readonly customer_id: string
  readonly assistance_type: 'ai' | 'team'
  readonly assistance_id: string
  ai_id: string
  current_member_id: string | null
  readonly activeflow_id: string
  readonly reference_type: 'call'
  readonly reference_id: string
  readonly node: string
  status: 'progressing' | 'terminated'
  end_reason: EndReason
  /** What the AI has noted (`variable_names`). */
  variables: Record<string, string>
  summary: string
  tm_end: string | null
  readonly tm_create: string
  tm_update: string | null
}

export interface ToolCall {
  readonly id: string
  readonly name: string
  /** As the model gave them: JSON, or what was to be JSON. */
  readonly arguments: string
}

/** When each step of a turn was reached, in milliseconds after the caller had ended. */
export interface Timing {
  transcript_ms?: number
  turn_ms?: number
  first_token_ms?: number
  first_audio_ms?: number
}

export interface AimessageRow {
  readonly id: string
  readonly customer_id: string
  readonly aicall_id: string
  readonly sequence: number
  readonly member_id: string | null
  readonly role: 'user' | 'assistant' | 'tool' | 'notification'
  readonly direction: 'incoming' | 'outgoing' | 'none'
  readonly content: string
  readonly interrupted: boolean
  readonly tool_calls: readonly ToolCall[]
  readonly tool_call_id: string
  readonly timing: Timing
  readonly tm_create: string
}

export const aicallColumns = [
  ...['id', 'customer_id', 'assistance_type', 'assistance_id', 'ai_id', 'current_member_id', 'activeflow_id'],
  ...[
    'reference_type',
    'reference_id',
    'node',
    'status',
    'end_reason',
    'variables',
    'summary',
    'tm_end',
    'tm_create',
    'tm_update',
  ],
] as const

export const aimessageColumns = [
  ...['id', 'customer_id', 'aicall_id', 'sequence', 'member_id', 'role', 'direction', 'content', 'interrupted'],
  ...['tool_calls', 'tool_call_id', 'timing', 'tm_create'],
] as const
