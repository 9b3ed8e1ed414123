import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import type { Softphone } from '../support/softphone.ts'
import { loudness, parseWav, tonesHeard } from '../support/tone.ts'
import { setUp } from '../support/setup.ts'
import { latestCall, hasEnded } from '../calls/support.ts'
import { allHearAll, becomes, isInIt, joins, makeConference, participants, type ConferenceView } from './support.ts'

// One after another: eight phones at once are enough for two cores.
const tones = [440, 620, 830, 1110, 1330, 1570, 1810, 2050]

test.serial('each of eight hears the seven others and not itself; one who is muted is heard by nobody', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup)
  const phones = []
  for (const tone of tones) phones.push(await joins(setup, conference, { tone }))
  const all = await isInIt(setup, conference, 8)
  // Eight tones of full scale would clip: each is a tenth of it.
  for (const { id } of all) {
    const { status } = await setup.api('POST', `/conferencecalls/${id}/volume`, { volume_spoken: -20 })
    t.is(status, 200)
  }
  await allHearAll(t, phones)
  const [first, ...others] = phones
  t.is((await setup.api('POST', `/conferencecalls/${all[0]!.id}/mute`)).status, 200)
  for (const one of others)
    t.true(await one.hearsTogether(others.filter((other) => other !== one)), `without the first: ${one.hearing()}`)
  t.true(await first!.hearsTogether(others), 'who is muted hears on')
  t.is((await setup.api('POST', `/conferencecalls/${all[0]!.id}/unmute`)).status, 200)
  await allHearAll(t, phones)
  await Promise.all(phones.map((phone) => phone.hangup()))
  await isInIt(setup, conference, 0)
  const empty = await becomes<ConferenceView>(
    setup,
    `/conferences/${conference.id}`,
    ({ tm_start }) => tm_start === null,
  )
  t.deepEqual(empty.conferencecall_ids, [])
})

test.serial('who is alone hears music until somebody comes, and again when they are alone', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup)
  const first = await joins(setup, conference, { tone: 440 })
  t.true(await becomesTrue(10_000, () => first.heard().samples.length > 0 && !isSilent(first)))
  const second = await joins(setup, conference, { tone: 830 })
  await allHearAll(t, [first, second])
  await second.hangup()
  await isInIt(setup, conference, 1)
  t.true(await becomesTrue(10_000, () => !isSilent(first) && tonesHeard(first.heard(), [830]).length === 0))
})

test.serial('who knows the PIN gets in, and who does not is sent away after three tries', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup, { pin: '4711', moderator_pin: '99887' })
  const path = `/conferences/${conference.id}`
  t.like((await setup.api('GET', path)).body, { has_pin: true, has_moderator_pin: true })
  t.notRegex(JSON.stringify((await setup.api('GET', path)).body), /4711|scrypt/)
  const [member] = [await joins(setup, conference, { digits: '4711#' })]
  await joins(setup, conference, { digits: '99887#' })
  t.deepEqual(
    (await participants(setup, conference)).map(({ moderator }) => moderator),
    [false, true],
  )
  const stranger = await setup.stranger()
  await stranger.dial(conference.direct_uri)
  await stranger.established()
  for (let attempt = 0; attempt < 3; attempt++) {
    await stranger.press('1234#')
    if (attempt < 2) await new Promise((resolve) => setTimeout(resolve, 4_500))
  }
  await stranger.closed(20_000)
  t.is((await participants(setup, conference)).length, 2)
  await member.hangup()
})

test.serial('nobody but moderators gets into a locked conference, and nobody into a full one', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup, { moderator_pin: '99887', max_participants: 2 })
  await joins(setup, conference, { digits: '#' })
  t.like((await setup.api('POST', `/conferences/${conference.id}/lock`)).body, { locked: true })
  const late = await setup.stranger()
  await late.dial(conference.direct_uri)
  await late.established()
  await late.press('#')
  await late.closed()
  const moderator = await joins(setup, conference, { digits: '99887#' })
  t.like((await setup.api('POST', `/conferences/${conference.id}/unlock`)).body, { locked: false })
  await late.dial(conference.direct_uri)
  await late.established()
  await late.press('#')
  await late.closed()
  t.is((await participants(setup, conference)).length, 2)
  await moderator.hangup()
})

test.serial(
  'before the moderator comes the others hear music, and when the moderator leaves the conference ends',
  async (t) => {
    const setup = await setUp(t)
    const values = { moderator_pin: '99887', before_moderator: 'music', after_moderator: 'end' }
    const conference = await makeConference(setup, values)
    const [one, other] = [
      await joins(setup, conference, { tone: 440, digits: '#' }),
      await joins(setup, conference, { tone: 830, digits: '#' }),
    ]
    t.true(await becomesTrue(10_000, () => !isSilent(one) && tonesHeard(one.heard(), [830]).length === 0))
    const moderator = await joins(setup, conference, { tone: 1330, digits: '99887#' })
    await allHearAll(t, [one, other, moderator])
    await moderator.hangup()
    await Promise.all([one.closed(), other.closed()])
    await isInIt(setup, conference, 0)
  },
)

test.serial('a recording of a conference has all of them, and can be fetched when it has ended', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup, { recording: 'auto' })
  const phones = [await joins(setup, conference, { tone: 440 }), await joins(setup, conference, { tone: 1110 })]
  const path = `/conferences/${conference.id}`
  const { recording_id } = await becomes<ConferenceView>(setup, path, (view) => view.recording_id !== null)
  t.is((await setup.api('POST', `${path}/recording_start`)).status, 409)
  for (const { id } of await participants(setup, conference))
    await setup.api('POST', `/conferencecalls/${id}/volume`, { volume_spoken: -12 })
  await allHearAll(t, phones)
  t.is((await setup.api('POST', `${path}/recording_stop`)).status, 200)
  t.is((await setup.api('POST', `${path}/recording_stop`)).status, 409)
  const { status } = await becomes<{ status: string }>(
    setup,
    `/recordings/${recording_id}`,
    (row) => row.status !== 'recording',
  )
  t.is(status, 'ended')
  const headers = { authorization: `Bearer ${setup.accessKey}` }
  const file = await fetch(`${setup.stack.apiUrl}/v1.0/recordings/${recording_id}/file`, { headers })
  const sound = parseWav(Buffer.from(await file.arrayBuffer()))
  const last = { ...sound, samples: sound.samples.subarray(-sound.rate) }
  t.deepEqual(tonesHeard(last, tones), [440, 1110])
})

test.serial('keys mute and unmute their caller, and those of a moderator all others', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup, { moderator_pin: '99887' })
  const guest = await joins(setup, conference, { tone: 440, digits: '#' })
  const moderator = await joins(setup, conference, { tone: 830, digits: '99887#' })
  await allHearAll(t, [guest, moderator])
  const guestIs = (muted: boolean) =>
    becomesTrue(10_000, async () => (await participants(setup, conference))[0]!.muted === muted)
  await guest.press('*1')
  t.true(await guestIs(true))
  t.true(await moderator.hearsNothing())
  await guest.press('*1')
  t.true(await guestIs(false))
  await guest.press('*5')
  await moderator.press('*5')
  t.true(await guestIs(true))
  t.false((await participants(setup, conference))[1]!.muted)
  await moderator.press('*3')
  await guest.closed()
  await moderator.press('*8')
  await moderator.closed()
})

test.serial('who talks is known, and who is muted does not talk', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup)
  const phones = [await joins(setup, conference), await joins(setup, conference)]
  const isTalking = (talking: boolean) =>
    becomesTrue(10_000, async () => (await participants(setup, conference))[0]?.talking === talking)
  t.true(await isTalking(true))
  const { id } = (await participants(setup, conference))[0]!
  await setup.api('POST', `/conferencecalls/${id}/mute`)
  t.true(await isTalking(false))
  let types: string[] = []
  // An event is seen a moment after what it is about.
  const hasStopped = async () => {
    const { body } = await setup.api<{ result: { type: string }[] }>('GET', `/events?resource_id=${id}`)
    types = body.result.map(({ type }) => type).reverse()
    return types.includes('conferencecall_talking_stopped')
  }
  t.true(await becomesTrue(10_000, hasStopped))
  t.deepEqual(types.slice(0, 2), ['conferencecall_joined', 'conferencecall_talking_started'])
  await phones[0]!.hangup()
})

test.serial('who is kicked goes on with their flow; who is deleted from it too', async (t) => {
  const setup = await setUp(t)
  const { id: conference_id } = await makeConference(setup)
  const pre = await setup.api<{ id: string }>('POST', '/flows', { name: 'pre', actions: [variable('pre', 'ran')] })
  const post = await setup.api<{ id: string }>('POST', '/flows', { name: 'post', actions: [variable('post', 'ran')] })
  const flows = { pre_flow_id: pre.body.id, post_flow_id: post.body.id }
  t.is((await setup.api('PUT', `/conferences/${conference_id}`, flows)).status, 200)
  const actions = [{ type: 'conference_join', option: { conference_id } }, variable('end', '${pre} ${post}')]
  const flow = await setup.api<{ direct_uri: string }>('POST', '/flows', { name: 'flow', actions })
  for (const leave of [
    (id: string) => setup.api('POST', `/conferencecalls/${id}/kick`),
    (id: string) => setup.api('DELETE', `/conferencecalls/${id}`),
  ]) {
    const caller = await setup.stranger()
    await caller.dial(flow.body.direct_uri)
    const [member] = await isInIt(setup, { id: conference_id }, 1)
    t.is((await leave(member!.id)).status, 200)
    await caller.closed()
    const { activeflow_id } = await latestCall(setup.api, hasEnded)
    const ran = await becomes<{ status: string; variables: Record<string, string> }>(
      setup,
      `/activeflows/${activeflow_id}`,
      ({ status }) => status === 'ended',
    )
    t.is(ran.variables.end, 'ran ran')
    t.like((await setup.api('GET', `/conferencecalls/${member!.id}`)).body, { status: 'left', talking: false })
    t.is((await setup.api('POST', `/conferencecalls/${member!.id}/mute`)).status, 409)
  }
})

test.serial('deleting a conference sends everybody out', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup)
  const phones = [await joins(setup, conference), await joins(setup, conference)]
  t.is((await setup.api('DELETE', `/conferences/${conference.id}`)).status, 200)
  await Promise.all(phones.map((phone) => phone.closed()))
  const late = await setup.stranger()
  await late.dial(conference.direct_uri)
  t.regex(await late.closed(), /404/)
})

test.serial('a conference says things to all who are in it, and nobody is told in an empty one', async (t) => {
  const setup = await setUp(t)
  const conference = await makeConference(setup, { music_when_alone: false })
  const path = `/conferences/${conference.id}`
  t.is((await setup.api('POST', `${path}/talk`, { text: 'Hello.' })).body.error instanceof Object, true)
  const phones = [await joins(setup, conference), await joins(setup, conference)]
  for (const { id } of await participants(setup, conference)) await setup.api('POST', `/conferencecalls/${id}/mute`)
  for (const phone of phones) t.true(await phone.hearsNothing())
  // All that is heard since counts: a machine may be busy for as long as it lasts.
  const before = phones.map((phone) => phone.heard(Infinity).samples.length)
  const text = 'We begin in a minute. Please wait for the others.'
  t.is((await setup.api('POST', `${path}/talk`, { text })).status, 200)
  for (const [index, phone] of phones.entries())
    t.true(await becomesTrue(10_000, () => !isSilent(phone, phone.heard(Infinity).samples.length - before[index]!)))
})

const variable = (key: string, value: string) => ({ type: 'variable_set', option: { key, value } })

/** In the last so many samples: those of half a second. */
function isSilent(phone: Softphone, count = 4_000): boolean {
  const { rate, samples } = phone.heard(Infinity)
  return loudness({ rate, samples: samples.subarray(Math.max(0, samples.length - count)) }) < 50
}
