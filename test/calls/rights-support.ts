import { becomesTrue } from '../../src/stack/shell.ts'
import type { Action } from '../actions/support.ts'
import type { Setup } from '../support/setup.ts'
import type { SipMessage } from '../support/sip.ts'
import { type CallView, hasEnded, sdp } from './support.ts'

export const sip = (target: string) => ({ type: 'sip', target })

export const connectTo = (targets: readonly string[], more: object = {}): Action[] => [
  { type: 'connect', option: { destinations: targets.map(sip), relay_reason: true, ...more } },
]

/** Calls, and waits for the final answer. */
export async function dial(setup: Setup, uri: string, from?: string): Promise<SipMessage> {
  const caller = await setup.sip()
  const call = { uri, body: sdp('127.0.0.1', 40000), ...(from && { from }) }
  const answer = await caller.request('INVITE', call, 20_000)
  caller.acknowledge(answer, call)
  return answer
}

export async function calls(setup: Setup): Promise<CallView[]> {
  return (await setup.api<{ result: CallView[] }>('GET', '/calls')).body.result
}

export const allEnded = (setup: Setup): Promise<boolean> =>
  becomesTrue(15_000, async () => (await calls(setup)).every(hasEnded))

/** The operator changes what the customer may do. */
export async function limit(setup: Setup, limits: object): Promise<void> {
  const { status } = await setup.admin('PUT', `/customers/${setup.customer.id}`, limits)
  if (status !== 200) throw new Error(`the limits are refused: ${status}`)
}
