import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { hasEnded, latestCall, leavesNothing } from '../calls/support.ts'
import { setUp } from '../support/setup.ts'
import { allHearAll, becomes, isInIt, joins, makeConference, participants, type ConferenceView } from './support.ts'

test('of three who come in the same instant two get in where two may', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup, { max_participants: 2 })
  const phones = [await setup.stranger(), await setup.stranger(), await setup.stranger()]
  await Promise.all(phones.map((phone) => phone.dial(conference.direct_uri)))
  const members = await isInIt(setup, conference, 2)
  const isOut = async () => {
    const { body } = await setup.api<{ result: { status: string }[] }>('GET', '/calls')
    return body.result.filter(({ status }) => status === 'hangup').length === 1
  }
  t.true(await becomesTrue(15_000, isOut))
  t.is(members.length, 2)
})

test('a conference that is deleted while somebody is at its door lets nobody in', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup, { pin: '4711' })
  const caller = await setup.stranger()
  await caller.dial(conference.direct_uri)
  await caller.established()
  t.is((await setup.api('DELETE', `/conferences/${conference.id}`)).status, 200)
  await caller.press('4711#')
  await caller.closed()
  const { activeflow_id } = await latestCall(setup.api, hasEnded)
  t.true(await leavesNothing(setup.stack, activeflow_id))
})

test('those who come and go all the time leave the others as they are', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup, { announce: 'tone' })
  const stays = await joins(setup, conference, { tone: 440 })
  const visitors = await Promise.all(Array.from({ length: 4 }, () => setup.stranger()))
  for (let round = 0; round < 3; round++) {
    await Promise.all(visitors.map((phone) => phone.dial(conference.direct_uri)))
    await Promise.all(visitors.map((phone) => phone.established()))
    await Promise.all(visitors.map((phone) => phone.hangup()))
  }
  await isInIt(setup, conference, 1)
  const other = await joins(setup, conference, { tone: 1330 })
  await allHearAll(t, [stays, other])
  await Promise.all([stays.hangup(), other.hangup()])
  const path = `/conferences/${conference.id}`
  const empty = await becomes<ConferenceView>(setup, path, ({ tm_start }) => tm_start === null)
  t.deepEqual(empty.conferencecall_ids, [])
})

test('two who ask for a recording at once get one, and settings count for those who are in it', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup, { music_when_alone: false })
  const only = await joins(setup, conference)
  const path = `/conferences/${conference.id}`
  const both = await Promise.all([1, 2].map(() => setup.api('POST', `${path}/recording_start`)))
  t.deepEqual(both.map(({ status }) => status).sort(), [200, 409])
  t.true(await only.hearsNothing())
  t.is((await setup.api('PUT', path, { music_when_alone: true })).status, 200)
  t.true(await becomesTrue(10_000, () => only.heard().samples.some((sample) => Math.abs(sample) > 200)))
  await only.hangup()
  const { recording_ids } = await becomes<ConferenceView>(setup, path, ({ recording_id }) => recording_id === null)
  t.is(recording_ids.length, 1)
})

test('a conference of somebody else is not there', async (t) => {
  const [setup, other] = [await setUp(t), await setUp(t)]
  const conference = await makeConference(setup)
  await joins(setup, conference)
  const [member] = await participants(setup, conference)
  for (const [method, path] of [
    ...(['GET', 'PUT', 'DELETE'] as const).map((name) => [name, `/conferences/${conference.id}`] as const),
    ...['lock', 'mute', 'recording_start'].map((name) => ['POST', `/conferences/${conference.id}/${name}`] as const),
    ...['mute', 'kick', 'hold'].map((name) => ['POST', `/conferencecalls/${member!.id}/${name}`] as const),
    ['DELETE', `/conferencecalls/${member!.id}`] as const,
  ])
    t.is((await other.api(method, path, method === 'PUT' ? { name: 'mine' } : undefined)).status, 404, path)
  t.is((await participants(setup, conference)).length, 1)
})
