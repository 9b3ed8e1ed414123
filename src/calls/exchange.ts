import type { DataSource } from 'typeorm'
import type { Errands } from '../activeflows/errands.ts'
import type { Outgoing } from '../activeflows/outgoing.ts'
import type { WriteBehind } from '../database/write-behind.ts'
import type { EventOf } from '../events/event.ts'
import type { Logger } from '../log.ts'
import type { Web } from '../web.ts'
import type { Limits } from './limits.ts'
import type { Recordings } from './recordings.ts'
import type { Sounds } from './sounds.ts'
import type { Transcribes } from './transcribes.ts'
import type { Underway } from './underway.ts'

/** What calls need of the house around them. */
export interface Exchange {
  readonly database: DataSource
  readonly writes: WriteBehind
  readonly eventOf: EventOf
  readonly log: Logger
  readonly sounds: Sounds
  readonly recordings: Recordings
  readonly transcribes: Transcribes
  readonly web: Web
  readonly underway: Underway
  readonly errands: Errands
  readonly outgoing: Outgoing
  readonly limits: Limits
  readonly baseDomain: string
  /** In seconds: how long a device rings when an action does not say, and how long a call may last. */
  readonly ringSeconds: number
  readonly callSeconds: number
}
