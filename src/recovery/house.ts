import type { ActiveflowRow } from '../activeflows/activeflow.ts'
import type { Activeflows } from '../activeflows/activeflows.ts'
import type { AriNode } from '../ari/connection.ts'
import type { AriChannel } from '../ari/types.ts'
import type { Call, CallHouse } from '../calls/call.ts'
import type { Limits } from '../calls/limits.ts'
import type { LiveCalls } from '../calls/live-calls.ts'
import type { PartKind } from '../calls/parts.ts'
import type { DataSource } from '../database.ts'
import type { Outgoing } from '../outbound/outgoing.ts'

/** The way in for callers. */
export interface WayIn {
  acceptWaiting(node: AriNode, channel: AriChannel): void
  activeflow(call: Call): Promise<ActiveflowRow | undefined>
}

/** What recovery works with. */
export interface RecoveryHouse {
  readonly database: DataSource
  readonly calls: CallHouse
  readonly liveCalls: LiveCalls
  readonly limits: Limits
  readonly activeflows: Activeflows
  readonly outgoing: Outgoing
  readonly parts: readonly PartKind[]
  readonly inbound: WayIn
}
