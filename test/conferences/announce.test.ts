import test from 'ava'
import { ensureModels } from '../../src/stack/models.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { hearEachOther } from '../calls/support.ts'
import { setUp } from '../support/setup.ts'
import { tonesHeard } from '../support/tone.ts'
import { allHearAll, becomes, isInIt, joins, makeConference, participants } from './support.ts'

test.before(() => ensureModels(() => undefined))

test('who comes says their name, the others hear it, and it is kept no longer than they stay', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup, { announce: 'name', music_when_alone: false, join_muted: true })
  const first = await setup.stranger({ tone: 440 })
  await first.dial(conference.direct_uri)
  await isInIt(setup, conference, 1)
  t.true(await first.hearsNothing())
  const second = await setup.stranger({ tone: 830 })
  await second.dial(conference.direct_uri)
  // What it says there is its tone; in the conference it is muted.
  t.true(await becomesTrue(20_000, () => tonesHeard(first.heard(), [830]).length === 1))
  await isInIt(setup, conference, 2)
  t.true(await becomesTrue(5_000, async () => (await names()) === 2))
  await first.hangup()
  await second.hangup()
  t.true(await becomesTrue(10_000, async () => (await names()) === 0))

  /** The recordings of names that this customer’s calls have left at the Asterisk. */
  async function names(): Promise<number> {
    const url = new URL(setup.stack.ariUrl)
    const headers = { authorization: `Basic ${btoa(`${url.username}:${url.password}`)}` }
    const all = (await (await fetch(`${url.origin}/ari/recordings/stored`, { headers })).json()) as { name: string }[]
    const { body } = await setup.api<{ result: { activeflow_id: string }[] }>('GET', '/calls')
    return all.filter(({ name }) => body.result.some(({ activeflow_id }) => name.startsWith(`name-${activeflow_id}`)))
      .length
  }
})

test('who comes is told how many there are', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup, { announce: 'count' })
  const phones = []
  for (const tone of [440, 830, 1330]) phones.push(await joins(setup, conference, { tone }))
  await allHearAll(t, phones)
})

test('a meeting ends at its time, and the next one has the same time again', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup, { timeout: 3 })
  for (let meeting = 0; meeting < 2; meeting++) {
    const phone = await joins(setup, conference)
    await phone.closed(20_000)
    t.deepEqual(await isInIt(setup, conference, 0), [])
  }
})

test('a flow connects its caller to a conference, and goes on after it', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup)
  const destination = { type: 'conference', target: conference.id }
  const other = { type: 'extension', target_name: '1001' }
  const mixed = [{ type: 'connect', option: { destinations: [destination, other] } }]
  t.regex(JSON.stringify((await setup.api('POST', '/flows', { actions: mixed })).body), /only destination/)
  const actions = [{ type: 'connect', option: { destinations: [destination] } }]
  const flow = await setup.api<{ direct_uri: string }>('POST', '/flows', { actions })
  const caller = await setup.stranger()
  await caller.dial(flow.body.direct_uri)
  const [member] = await isInIt(setup, conference, 1)
  await setup.api('POST', `/conferencecalls/${member!.id}/kick`)
  await caller.closed()
})

test('a conference is called as anybody is, and what calls it hears and is heard', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup)
  const member = await joins(setup, conference, { tone: 440 })
  const extension = await setup.extension()
  const phone = await setup.phone(extension, { tone: 830, answers: true })
  const actions = [{ type: 'connect', option: { destinations: [{ type: 'extension', target: extension.id }] } }]
  const destination = { type: 'conference', target: conference.id }
  const made = await setup.api<{ id: string; destination: object }>('POST', '/calls', { destination, actions })
  t.deepEqual(made.body.destination, { ...destination, target_name: 'test' }, JSON.stringify(made.body))
  await isInIt(setup, conference, 2)
  await hearEachOther(t, member, phone)
  await phone.hangup()
  await isInIt(setup, conference, 1)
  await becomes<{ status: string }>(setup, `/calls/${made.body.id}`, ({ status }) => status === 'hangup')
})

test('a groupcall takes a conference, and one that there is not is said to be none', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup)
  const order = (target: string) => ({ destinations: [{ type: 'conference', target }], actions: [{ type: 'echo' }] })
  const made = await setup.api<{ id: string }>('POST', '/groupcalls', order(conference.id))
  t.is(made.status, 201, JSON.stringify(made.body))
  await becomes<{ status: string }>(setup, `/groupcalls/${made.body.id}`, ({ status }) => status === 'progressing')
  await isInIt(setup, conference, 1)
  await setup.api('POST', `/groupcalls/${made.body.id}/hangup`)
  await isInIt(setup, conference, 0)
  const none = '8c0d9f5e-1f8b-4c58-9d0e-7b7f6f1f0a55'
  const refused = await setup.api<object>('POST', '/groupcalls', order(none))
  t.is(refused.status, 404)
  t.regex(JSON.stringify(refused.body), new RegExp(`you have no conference ${none}`))
  const other = await makeConference(await setUp(t))
  t.is((await setup.api('POST', '/calls', { destination: order(other.id).destinations[0], actions: [] })).status, 404)
})

test('what each says in a conference is written down, also of those who come later', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup)
  const path = `/conferences/${conference.id}`
  const first = await joins(setup, conference)
  t.is((await setup.api('POST', `${path}/transcribe`, { provider: 'moonshine' })).status, 200)
  const second = await joins(setup, conference)
  const all = await participants(setup, conference)
  for (const { reference_id } of all)
    await becomes<{ result: { status: string; direction: string }[] }>(
      setup,
      `/transcribes?reference_id=${reference_id}`,
      ({ result }) => result[0]?.status === 'progressing' && result[0].direction === 'in',
    )
  t.is((await setup.api('POST', `${path}/transcribe_stop`)).status, 200)
  for (const { reference_id } of all)
    await becomes<{ result: { status: string }[] }>(
      setup,
      `/transcribes?reference_id=${reference_id}`,
      ({ result }) => result[0]?.status === 'done',
    )
  await first.hangup()
  await second.hangup()
})

test('somebody on hold hears music and is not heard, and can be made a moderator', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup)
  const phones = [await joins(setup, conference, { tone: 440 }), await joins(setup, conference, { tone: 830 })]
  await allHearAll(t, phones)
  const [{ id }] = (await participants(setup, conference)) as [{ id: string }, ...unknown[]]
  t.is((await setup.api('POST', `/conferencecalls/${id}/hold`)).status, 200)
  t.true(await phones[1]!.hearsNothing())
  t.true(await becomesTrue(10_000, () => tonesHeard(phones[0]!.heard(), [830]).length === 0))
  t.is((await setup.api('POST', `/conferencecalls/${id}/unhold`)).status, 200)
  await allHearAll(t, phones)
  t.like((await setup.api('POST', `/conferencecalls/${id}/moderator`, {})).body, { moderator: true })
  t.is((await setup.api('POST', `/conferencecalls/${id}/volume`, {})).status, 400)
  t.is((await setup.api('POST', `/conferencecalls/${id}/volume`, { volume_heard: 40 })).status, 400)
})
