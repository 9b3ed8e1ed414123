import type { AriNode } from '../ari/connection.ts'
import type { WriteBehind } from '../database/write-behind.ts'
import type { EventOf } from '../events/event.ts'
import type { Logger } from '../log.ts'
import type { DeviceWatch } from './device-watch.ts'
import type { CallRow } from './row.ts'
import type { Trail } from './stamp.ts'

/** What is known of a call also when it is over. */
export interface CallFacts {
  readonly id: string
  readonly row: CallRow
  readonly node: AriNode
  readonly log: Logger
  readonly trail: Trail
}

/** What calls need of the house around them. */
export interface CallHouse {
  readonly writes: WriteBehind
  readonly eventOf: EventOf
  readonly log: Logger
  readonly devices: DeviceWatch
  /** How long a call may last, in seconds. */
  readonly callSeconds: number
  /** The domain of who is nobody in particular: `sip.<base>`. */
  readonly domain: string
}
