import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import { sdp } from '../calls/support.ts'
import { activeflow, type ActiveflowView } from '../support/flows.ts'
import type { Setup } from '../support/setup.ts'

export interface Action {
  id?: string
  next_id?: string
  type: string
  option?: object
}

/** Ids that can be told apart. */
export const id = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

/** Ends the call with a status that tells which way it went. */
export const say = (reason: 'busy' | 'cancel' | 'timeout' | 'dialout', at?: string): Action => ({
  ...(at && { id: at }),
  type: 'hangup',
  option: { reason },
})

export interface FlowView {
  id: string
  direct_uri: string
  actions: Required<Action>[]
}

export async function makeFlow(setup: Setup, actions: readonly Action[], more: object = {}): Promise<FlowView> {
  const { status, body } = await setup.api<FlowView>('POST', '/flows', { name: 'test', actions, ...more })
  if (status !== 201) throw new Error(`the flow is refused: ${JSON.stringify(body)}`)
  return body
}

/** Calls a flow that does not answer; tells the SIP status that ended it and what ran. */
export async function ring(setup: Setup, uri: string): Promise<{ status: number; ran: ActiveflowView }> {
  const caller = await setup.sip()
  const { body } = await setup.api<{ result: ActiveflowView[] }>('GET', '/activeflows?page_size=1')
  const call = { uri, body: sdp('127.0.0.1', 40000) }
  const answer = await caller.request('INVITE', call, 20_000)
  caller.acknowledge(answer, call)
  // What nobody waits for is written a moment later: until then the latest is the one before.
  const ran = await activeflow(setup, ({ id, status }) => status === 'ended' && id !== body.result[0]?.id)
  return { status: answer.status, ran }
}

/** Makes such a flow and calls it. */
export async function outcome(
  setup: Setup,
  actions: readonly Action[],
): Promise<{ status: number; ran: ActiveflowView }> {
  return ring(setup, (await makeFlow(setup, actions)).direct_uri)
}

export interface Asked {
  method: string
  url: string
  headers: IncomingHttpHeaders
  body: string
}

/** Somebody's web server, with all that it was asked. */
export async function listener(
  t: ExecutionContext,
  answer: (asked: Asked, response: ServerResponse, count: number) => void,
): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      asked.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
      answer(asked.at(-1)!, response, asked.length)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
