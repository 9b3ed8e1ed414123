import type { Destination } from '../calls/party.ts'

/** A tag, and how good at it. */
export interface Skill {
  tag_id: string
  /** 1 to 10. */
  level: number
}

export type RoutingMethod = 'longest_idle' | 'round_robin' | 'ring_all' | 'random' | 'least_calls' | 'linear'

/** After a caller has waited for so long, agents may have so many levels less than is required. */
export interface SkillStep {
  /** Milliseconds. */
  after: number
  levels_less: number
}

/** A row of `queues`; see sql/016-queues.sql and 017. Times are in milliseconds; where 0 is no limit, it says so. */
export interface QueueRow {
  readonly id: string
  readonly customer_id: string
  readonly name: string
  readonly routing_method: RoutingMethod
  /** These only, in this order; empty: all that have the tags, the oldest first. */
  readonly agent_ids: readonly string[]
  readonly skill_steps: readonly SkillStep[]
  readonly wait_flow_id: string | null
  /** How often who waits is told `announce_text`, in milliseconds; 0: never. */
  readonly announce_interval: number
  readonly announce_text: string
  /** 0: no limit. */
  readonly wait_timeout: number
  /** 0: no limit. */
  readonly service_timeout: number
  readonly ring_timeout: number
  readonly wrap_up: number
  /** 0: no limit. */
  readonly max_waiting: number
  readonly join_empty: boolean
  readonly leave_when_empty: boolean
  /** 0: no limit. */
  readonly max_misses: number
  readonly no_answer_delay: number
  readonly reject_delay: number
  readonly busy_delay: number
  readonly priority_seconds: number
  readonly service_level: number
  readonly recording: 'auto' | 'none'
  /** What an agent is told before they are connected; '': nothing. */
  readonly whisper: string
  /** The key by which a caller asks to be called back; '': they cannot. */
  readonly callback_key: string
  readonly callback_attempts: number
  readonly callback_delay: number
  readonly callback_retry_delay: number
  /** What is said when it is promised. */
  readonly callback_text: string
  /** What is said to whoever answers. */
  readonly callback_prompt: string
  readonly on_timeout_flow_id: string | null
  readonly on_empty_flow_id: string | null
  readonly on_full_flow_id: string | null
  readonly last_agent_id: string | null
}

export type QueuecallStatus = 'initiating' | 'waiting' | 'connecting' | 'kicking' | 'service' | 'done' | 'abandoned'

/** Why a caller is in the queue no more. */
export type EndReason =
  | ''
  | 'serviced'
  | 'hangup'
  | 'timeout'
  | 'empty'
  | 'full'
  | 'kicked'
  | 'failed'
  | 'transferred'
  /** They will be called back: they are out of the line, and not out of the queue. */
  | 'callback'
  /** They were called back as often as configured, and nobody has confirmed. */
  | 'callback_failed'
  /** They have called in before they were called back. */
  | 'returned'

/** Where a caller is called back. */
export interface CallbackPlace {
  readonly to: Destination
  /** The number that they have called, for them to see. */
  readonly from?: Destination
}

/** Whom the queue calls back. */
export interface Callback extends CallbackPlace {
  /** How often they were called. */
  readonly attempts: number
}

/** A row of `queuecalls`. */
export interface QueuecallRow {
  readonly id: string
  readonly customer_id: string
  readonly queue_id: string
  activeflow_id: string
  reference_id: string
  node: string
  status: QueuecallStatus
  end_reason: EndReason
  service_agent_id: string | null
  readonly priority: number
  readonly skills: readonly Skill[]
  /** How often they were offered to somebody. */
  offers: number
  duration_waiting: number
  duration_service: number
  readonly tm_enter: string
  tm_rank: string
  /** null: the caller is on the line. */
  callback: Callback | null
  tm_callback: string | null
  tm_service: string | null
  tm_end: string | null
  readonly tm_create: string
  tm_update: string | null
}

export type OfferResult = '' | 'answered' | 'missed' | 'rejected' | 'busy' | 'unreachable' | 'cancelled'

/** A row of `queue_offers`. */
export interface OfferRow {
  readonly id: string
  readonly queuecall_id: string
  readonly agent_id: string
  /** Counts the offers of the caller; those that were made together have one number. */
  readonly number: number
  readonly result: OfferResult
}
