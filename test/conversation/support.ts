import { setTimeout as delay } from 'node:timers/promises'
import { becomesTrue } from '../../src/stack/shell.ts'
import type { Setup } from '../support/setup.ts'
import type { Speaker } from '../support/speaker.ts'
import type { Sound } from '../support/tone.ts'
import { timesSaid, transcriber } from '../support/speech.ts'

export interface AiView {
  id: string
  direct_uri: string
}

export interface AicallView {
  id: string
  ai_id: string
  current_member_id: string | null
  status: string
  end_reason: string
}

export interface AimessageView {
  role: string
  content: string
  interrupted: boolean
  tool_calls: { name: string }[]
  timing: Record<string, number>
}

/** An AI that goes by rules, with an address. */
export async function makeAi(setup: Setup, values: object): Promise<AiView> {
  const { status, body } = await setup.api<AiView>('POST', '/ais', { name: 'test', engine_type: 'scripted', ...values })
  if (status !== 201) throw new Error(`the AI is refused: ${JSON.stringify(body)}`)
  return (await setup.api<AiView>('POST', `/ais/${body.id}/direct-hash-regenerate`)).body
}

/** The customer's latest conversation, once it is as wanted. */
export async function aicall(setup: Setup, wanted: (view: AicallView) => boolean = () => true): Promise<AicallView> {
  let seen: AicallView | undefined
  const found = await becomesTrue(15_000, async () => {
    seen = (await setup.api<{ result: AicallView[] }>('GET', '/aicalls?page_size=1')).body.result[0]
    return seen !== undefined && wanted(seen)
  })
  if (!found) throw new Error(`the latest conversation is not as wanted: ${JSON.stringify(seen)}`)
  return seen!
}

/** What was said in a conversation, in its order. */
export async function messages(setup: Setup, { id }: AicallView): Promise<AimessageView[]> {
  const path = `/aimessages?aicall_id=${id}&page_size=100`
  return (await setup.api<{ result: AimessageView[] }>('GET', path)).body.result.reverse()
}

/** All of it, for a test that fails. */
export async function told(setup: Setup): Promise<string> {
  return JSON.stringify(await messages(setup, await aicall(setup)))
}

let reader: ReturnType<typeof transcriber> | undefined

/** Waits until the caller has heard this since then, going by half of its words, and it is silent. */
export async function hearsSaid(caller: Speaker, wanted: string, since = 0, milliseconds = 20_000): Promise<boolean> {
  const heard = async () => {
    if (!caller.isQuiet) return false
    if (timesSaid(wanted, await text(caller.heard(since))) >= 1) return true
    await delay(300) // reading is work, for the same processors that are to answer
    return false
  }
  return becomesTrue(milliseconds, heard)
}

/** What is said there, as the transcriber understands it. */
export async function text(sound: Sound): Promise<string> {
  reader ??= transcriber()
  return (await reader).read(sound)
}

export async function closeReader(): Promise<void> {
  await (await reader)?.close()
}
