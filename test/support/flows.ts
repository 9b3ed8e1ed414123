import { becomesTrue } from '../../src/stack/shell.ts'
import type { Setup } from './setup.ts'
import type { PhoneOptions, Softphone } from './softphone.ts'

export interface ActiveflowView {
  id: string
  status: 'running' | 'ended'
  reference_id: string
  executed_actions: { type: string; result: string; tm_end: string | null }[]
  variables: Record<string, string>
}

/** An action in short: `['play', { stream_urls: ['sound:beep'] }]`. */
export type Short = [type: string, option?: object]

/** Makes a flow and answers its direct address. */
export async function flow(setup: Setup, actions: readonly Short[]): Promise<string> {
  const list = actions.map(([type, option = {}]) => ({ type, option }))
  const { status, body } = await setup.api<{ direct_uri: string }>('POST', '/flows', { name: 'test', actions: list })
  if (status !== 201) throw new Error(`the flow is refused: ${JSON.stringify(body)}`)
  return body.direct_uri
}

/** A stranger's phone that has called a flow of these actions and was answered. */
export async function callFlow(setup: Setup, actions: readonly Short[], options?: PhoneOptions): Promise<Softphone> {
  const address = await flow(setup, actions)
  const caller = await setup.stranger(options)
  await caller.dial(address)
  await caller.established()
  return caller
}

/** The customer's latest activeflow, once it is as wanted. */
export async function activeflow(
  setup: Setup,
  wanted: (activeflow: ActiveflowView) => boolean = hasEnded,
  milliseconds = 20_000,
): Promise<ActiveflowView> {
  let seen: ActiveflowView | undefined
  const found = await becomesTrue(milliseconds, async () => {
    const { body } = await setup.api<{ result: ActiveflowView[] }>('GET', '/activeflows?page_size=1')
    seen = body.result[0]
    return seen !== undefined && wanted(seen)
  })
  if (!found) throw new Error(`the latest activeflow is not as wanted: ${JSON.stringify(seen)}`)
  return seen!
}

const hasEnded = ({ status }: ActiveflowView): boolean => status === 'ended'

/** Is this the action that runs? */
export const runs =
  (type: string) =>
  ({ executed_actions }: ActiveflowView): boolean =>
    executed_actions.at(-1)?.type === type && executed_actions.at(-1)?.tm_end === null

/** What became of each action of this type. */
export function results({ executed_actions }: ActiveflowView, type: string): string[] {
  return executed_actions.filter((action) => action.type === type).map(({ result }) => result)
}
