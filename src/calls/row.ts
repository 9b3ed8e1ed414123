import { randomUUID } from 'node:crypto'
import type { AriChannel } from '../ari/types.ts'
import { now } from '../database.ts'
import type { HangupReason } from './causes.ts'

export interface Address {
  type: string
  target: string
  target_name: string
}

/** A row of `calls`; see sql/001-foundation.sql. */
export interface CallRow {
  id: string
  customer_id: string
  activeflow_id: string
  groupcall_id: string | null
  /** The call that this one ends with. */
  master_call_id: string | null
  node: string
  channel_id: string
  sip_call_id: string
  direction: 'incoming' | 'outgoing'
  source: Address
  destination: Address
  status: 'dialing' | 'ringing' | 'progressing' | 'terminating' | 'canceling' | 'hangup'
  hangup_by: '' | 'remote' | 'local'
  hangup_reason: HangupReason
  tm_ringing: string | null
  tm_progressing: string | null
  tm_hangup: string | null
  tm_create: string
  tm_update: string | null
}

export const callColumns = [
  ...['id', 'customer_id', 'activeflow_id', 'groupcall_id', 'master_call_id', 'node', 'channel_id', 'sip_call_id'],
  ...['direction', 'source', 'destination', 'status', 'hangup_by', 'hangup_reason'],
  ...['tm_ringing', 'tm_progressing', 'tm_hangup', 'tm_create', 'tm_update'],
] as const

const nobody = { type: '', target: '', target_name: '' }

const blank = (node: string) => ({
  ...{ id: randomUUID() as string, customer_id: '', activeflow_id: randomUUID() as string, groupcall_id: null },
  ...{ master_call_id: null, node, sip_call_id: '', source: nobody, destination: nobody },
  ...({ hangup_by: '', hangup_reason: '', tm_ringing: null, tm_progressing: null, tm_hangup: null } as const),
  ...{ tm_create: now(), tm_update: null },
})

/** Of a caller's channel. */
export function incomingRow(node: string, { id, caller }: AriChannel, row: Partial<CallRow>): CallRow {
  const source = { type: 'sip', target: caller.number, target_name: caller.name }
  const incoming = { channel_id: id, direction: 'incoming', status: 'ringing', tm_ringing: now() } as const
  return { ...blank(node), source, ...incoming, ...row }
}

/** Of a call that we make. Its channel has a name before it is there. */
export function outgoingRow(node: string, row: Partial<CallRow> & { id: string }): CallRow {
  return { ...blank(node), channel_id: `call-${row.id}`, direction: 'outgoing', status: 'dialing', ...row }
}
