import type { Queues } from '../acd/queues.ts'
import type { Directory } from '../calls/directory.ts'
import type { Conferences } from '../conferences/conferences.ts'
import type { Conversations } from '../conversation/conversations.ts'
import type { Limits } from '../calls/limits.ts'
import type { Underway } from '../calls/underway.ts'
import type { LiveCalls } from '../calls/live-calls.ts'
import type { Recordings } from '../media/recordings.ts'
import type { Sounds } from '../media/sounds.ts'
import type { Transcribes } from '../media/transcribes.ts'
import type { Outgoing } from '../outbound/outgoing.ts'

/** What there is for actions to work with. Each names what it needs of it, and is given no more than that to see. */
export interface House extends Directory {
  readonly sounds: Sounds
  readonly recordings: Recordings
  readonly transcribes: Transcribes
  readonly underway: Underway
  readonly conferences: Conferences
  readonly queues: Queues
  readonly conversations: Conversations
  readonly outgoing: Outgoing
  readonly limits: Limits
  readonly liveCalls: Pick<LiveCalls, 'get'>
  /** How long a device rings when an action does not say, in seconds. */
  readonly ringSeconds: number
}
