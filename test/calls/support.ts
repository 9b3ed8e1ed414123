import type { ExecutionContext } from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import type { Stack } from '../../src/stack/stack.ts'
import type { Ask } from '../../src/stack/rest.ts'
import type { Extension, Setup } from '../support/setup.ts'
import { header, type SipClient, type SipMessage } from '../support/sip.ts'

export interface CallView {
  id: string
  activeflow_id: string
  sip_call_id: string
  status: string
  hangup_by: string
  hangup_reason: string
  tm_ringing: string | null
  tm_progressing: string | null
  tm_hangup: string | null
  destination: { type: string; target: string }
}

/** The customer's latest call, once it is as wanted: what is not urgent is written a moment later. */
export async function latestCall(api: Ask, wanted: (call: CallView) => boolean): Promise<CallView> {
  let seen: CallView | undefined
  const found = await becomesTrue(15_000, async () => {
    seen = (await api<{ result?: CallView[] }>('GET', '/calls?page_size=1')).body.result?.[0]
    return seen !== undefined && wanted(seen)
  })
  if (!found) throw new Error(`the latest call is not as wanted: ${JSON.stringify(seen)}`)
  return seen!
}

export const hasEnded = (call: CallView): boolean => call.status === 'hangup'

/** Nothing of Hashdial's is left in Asterisk. Other tests run meanwhile, so it may be asked for one activeflow only. */
export async function leavesNothing(stack: Stack, activeflow = '', milliseconds = 15_000): Promise<boolean> {
  const get = async (what: string) => {
    const url = new URL(stack.ariUrl)
    const authorization = `Basic ${btoa(`${url.username}:${url.password}`)}`
    const response = await fetch(`${url.origin}/ari/${what}`, { headers: { authorization } })
    return (await response.json()) as { id: string }[]
  }
  return becomesTrue(milliseconds, async () => {
    const all = [...(await get('channels')), ...(await get('bridges'))]
    return !all.some(({ id }) => activeflow === '' || id.includes(activeflow))
  })
}

/** A device that answers an INVITE as it is told, to the letter. */
export async function device(setup: Setup, extension: Extension): Promise<SipClient> {
  const client = await setup.sip()
  const uri = `sip:${extension.domain_name}`
  const aor = `<sip:${extension.username}@${extension.domain_name}>`
  const registered = await client.authenticated('REGISTER', { uri, from: aor, to: aor }, extension)
  if (registered.status !== 200) throw new Error(`the device is not registered: ${registered.start}`)
  return client
}

/** The INVITE that comes in to a device. */
export function incoming(client: SipClient): Promise<SipMessage> {
  return client.message(({ method }) => method === 'INVITE')
}

export function sdp(address: string, port: number): string {
  return `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n`
}

/** Two phones that talk, and have heard each other's tone and not their own. */
export async function talking(t: ExecutionContext, setup: Setup, uri: string, callee: Talker): Promise<Talker> {
  const caller = await setup.stranger()
  await caller.dial(uri)
  await callee.rings()
  await caller.hearsRinging()
  await callee.answer()
  await Promise.all([caller.established(), callee.established()])
  await hearEachOther(t, caller, callee)
  return caller
}

type Talker = Awaited<ReturnType<Setup['stranger']>>

export async function hearEachOther(t: ExecutionContext, one: Talker, other: Talker): Promise<void> {
  const [first, second] = await Promise.all([one.hears(other), other.hears(one)])
  t.true(first, `the caller hears the callee’s tone of ${other.tone} Hz (${one.hearing()})`)
  t.true(second, `the callee hears the caller’s tone of ${one.tone} Hz (${other.hearing()})`)
}

/** The Call-ID, to find a call in another place. */
export const callIdOf = (message: SipMessage): string => header(message, 'call-id')
