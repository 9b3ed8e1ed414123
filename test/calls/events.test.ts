import test from 'ava'
import { setUp, type Setup } from '../support/setup.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { hasEnded, latestCall, talking } from './support.ts'

interface Told {
  id: string
  type: string
  sequence: number
  resource_id: string
  data: { status: string; [field: string]: unknown }
}

/** What is told of the customer's calls and activeflows, the oldest first, when it has come to these. */
async function toldUntil({ api }: Setup, ...last: string[]): Promise<Told[]> {
  let events: Told[] = []
  const isThere = async () => {
    events = (await api<{ result: Told[] }>('GET', '/events')).body.result.reverse()
    return last.every((one) => events.some(({ type }) => type === one))
  }
  if (!(await becomesTrue(10_000, isThere)))
    throw new Error(`no ${last.join()} in ${events.map(({ type }) => type).join()}`)
  return events
}

const typesOf = (events: Told[], resource: string): string[] =>
  events.map(({ type }) => type).filter((type) => type.startsWith(`${resource}_`))

test('a call is told of from its first ring to its end, in order, and each time as it was then', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await talking(t, setup, extension.direct_uri, phone)
  await stranger.hangup()
  const call = await latestCall(setup.api, hasEnded)
  const events = await toldUntil(setup, 'call_hangup', 'activeflow_ended')
  t.deepEqual(typesOf(events, 'call'), ['call_created', 'call_ringing', 'call_progressing', 'call_hangup'])
  t.deepEqual(
    events.filter(({ resource_id }) => resource_id === call.id).map(({ data }) => data.status),
    ['ringing', 'ringing', 'progressing', 'hangup'],
  )
  const { recording_ids: _, ...shown } = call as unknown as Record<string, unknown>
  const { data } = events.find(({ type }) => type === 'call_hangup')!
  t.deepEqual(data, { ...shown, status: 'hangup' } as never)
  t.deepEqual(
    [typesOf(events, 'activeflow')[0], typesOf(events, 'activeflow').at(-1)],
    ['activeflow_created', 'activeflow_ended'],
  )
})

test('calls that we make, and what is recorded of them, are told of too', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const destinations = [{ type: 'extension', target: extension.id }]
  const actions = [
    { type: 'recording_start', option: {} },
    { type: 'sleep', option: { duration: 300 } },
    { type: 'recording_stop' },
  ]
  await setup.api('POST', '/groupcalls', { destinations, actions })
  await phone.rings()
  await phone.answer()
  await phone.closed()
  const events = await toldUntil(setup, 'groupcall_hangup', 'call_hangup', 'recording_finished')
  t.deepEqual(typesOf(events, 'groupcall'), ['groupcall_created', 'groupcall_progressing', 'groupcall_hangup'])
  t.deepEqual(typesOf(events, 'call'), ['call_created', 'call_ringing', 'call_progressing', 'call_hangup'])
  t.deepEqual(typesOf(events, 'recording'), ['recording_started', 'recording_finished'])
})
