import type { ExecutionContext } from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import type { Setup } from '../support/setup.ts'
import type { Softphone } from '../support/softphone.ts'

export interface ConferenceView {
  id: string
  direct_uri: string
  conferencecall_ids: string[]
  recording_id: string | null
  recording_ids: string[]
  locked: boolean
  tm_start: string | null
}

export interface ConferencecallView {
  id: string
  reference_id: string
  status: string
  moderator: boolean
  muted: boolean
  talking: boolean
  tm_end: string | null
}

export async function makeConference(setup: Setup, values: object = {}): Promise<ConferenceView> {
  const { status, body } = await setup.api<ConferenceView>('POST', '/conferences', { name: 'test', ...values })
  if (status !== 201) throw new Error(`the conference is refused: ${JSON.stringify(body)}`)
  return body
}

/** Who is in it now, the first to come first. */
export async function participants(setup: Setup, { id }: { id: string }): Promise<ConferencecallView[]> {
  const path = `/conferencecalls?conference_id=${id}&status=joined`
  return (await setup.api<{ result: ConferencecallView[] }>('GET', path)).body.result.reverse()
}

/** Waits until so many are in it. */
export async function isInIt(setup: Setup, conference: { id: string }, count: number): Promise<ConferencecallView[]> {
  let all: ConferencecallView[] = []
  const found = await becomesTrue(15_000, async () => (all = await participants(setup, conference)).length === count)
  if (!found) throw new Error(`${all.length} are in the conference, not ${count}`)
  return all
}

/** A phone that nobody knows, in the conference; `tone` as of PhoneOptions. */
export async function joins(
  setup: Setup,
  conference: ConferenceView,
  options: { tone?: number; digits?: string } = {},
): Promise<Softphone> {
  const { digits, ...phone } = options
  const before = (await participants(setup, conference)).length
  const caller = await setup.stranger(phone)
  await caller.dial(conference.direct_uri)
  await caller.established()
  if (digits) await caller.press(digits)
  await isInIt(setup, conference, before + 1)
  return caller
}

/** What is true of the latest answer of the API, in time. */
export async function becomes<View>(setup: Setup, path: string, wanted: (view: View) => boolean): Promise<View> {
  let view: View | undefined
  const found = await becomesTrue(15_000, async () => wanted((view = (await setup.api<View>('GET', path)).body)))
  if (!found) throw new Error(`${path} is not as wanted: ${JSON.stringify(view)}`)
  return view!
}

/** Each hears all others, and not itself. */
export async function allHearAll(t: ExecutionContext, phones: readonly Softphone[]): Promise<void> {
  const heard = await Promise.all(phones.map((one) => one.hearsTogether(phones.filter((other) => other !== one))))
  heard.forEach((good, index) =>
    t.true(good, `phone ${index} (${phones[index]!.tone} Hz): ${phones[index]!.hearing()}`),
  )
}
