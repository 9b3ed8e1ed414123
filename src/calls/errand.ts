import type { AriNode } from '../ari/connection.ts'
import { now } from '../database.ts'
import { Call, type CallRow, type Exchange } from './call.ts'
import type { HangupReason } from './causes.ts'

/**
 * What is done for a call when it, or a part of it, is over: a call without a channel. Its row is a copy that is not
 * stored. It has no part in what becomes of the channel, which may be there still.
 */
export class Errand extends Call {
  override readonly hasCaller = false

  constructor(row: CallRow, node: AriNode, exchange: Exchange) {
    super(
      { ...row, channel_id: '', hangup_by: '', hangup_reason: '', tm_hangup: null, tm_create: now() },
      node,
      exchange,
    )
    this.stored = true
  }

  override async save(): Promise<void> {
    // The row of the call is as the call has left it.
  }

  override async hangup(reason: HangupReason = 'normal'): Promise<void> {
    this.end('local', reason)
  }
}
