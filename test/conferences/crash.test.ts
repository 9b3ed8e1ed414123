import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { startStack } from '../../src/stack/stack.ts'
import { setUp } from '../support/setup.ts'
import { allHearAll, becomes, isInIt, joins, makeConference, participants, type ConferenceView } from './support.ts'

/** A stack of this file's own, for its parts are killed. */
const ports = { sip: 30060, api: 30080, asteriskSip: 30070, ari: 30088, mysql: 30316, rtpFrom: 30400, rtpTo: 30999 }
const stack = await startStack({ name: 'conference-crash', ports, fresh: true })
test.after.always(() => stack.stop())

const hashdial = () => stack.part('hashdial')

test.serial('a conference goes on while Hashdial is away, and with the same people after it', async (t) => {
  const setup = await setUp(t, stack)
  const conference = await makeConference(setup, { recording: 'auto', moderator_pin: '99887' })
  const phones = [
    await joins(setup, conference, { tone: 440, digits: '#' }),
    await joins(setup, conference, { tone: 830, digits: '#' }),
    await joins(setup, conference, { tone: 1330, digits: '99887#' }),
  ]
  const [one, two, three] = phones as [(typeof phones)[0], (typeof phones)[0], (typeof phones)[0]]
  const before = await isInIt(setup, conference, 3)
  await setup.api('POST', `/conferencecalls/${before[0]!.id}/mute`)
  t.true(await two.hearsTogether([three]))
  const path = `/conferences/${conference.id}`
  const { recording_id } = (await setup.api<ConferenceView>('GET', path)).body
  await hashdial().kill9()
  t.true(await two.hearsTogether([three]), 'without Hashdial')
  t.true(await three.hearsTogether([two]), 'without Hashdial')
  await hashdial().start()
  t.deepEqual(
    (await participants(setup, conference)).map(({ id }) => id),
    before.map(({ id }) => id),
  )
  t.true(await unmuted(before[0]!.id))
  await allHearAll(t, [one, two, three])
  t.is((await setup.api<ConferenceView>('GET', path)).body.recording_id, recording_id)
  // The moderator is one still, and the menu works.
  await three.press('*5')
  t.true(await becomesTrue(10_000, async () => (await participants(setup, conference))[1]!.muted))
  for (const phone of phones) await phone.hangup()
  const empty = await becomes<ConferenceView>(setup, path, ({ tm_start }) => tm_start === null)
  t.deepEqual([empty.conferencecall_ids, empty.recording_id, empty.recording_ids], [[], null, [recording_id]])
  const { status } = (await setup.api<{ status: string }>('GET', `/recordings/${recording_id}`)).body
  t.is(status, 'ended')

  /** Possible as soon as the process has found the meeting again. */
  function unmuted(id: string): Promise<boolean> {
    return becomesTrue(15_000, async () => (await setup.api('POST', `/conferencecalls/${id}/unmute`)).status === 200)
  }
})

test.serial(
  'who hung up while Hashdial was away has left, and the conference of whom nobody is left is empty',
  async (t) => {
    const setup = await setUp(t, stack)
    const [conference, other] = [await makeConference(setup), await makeConference(setup)]
    const phones = [await joins(setup, conference), await joins(setup, conference), await joins(setup, other)]
    await hashdial().kill9()
    await phones[0]!.hangup()
    await phones[2]!.hangup()
    await hashdial().start()
    await isInIt(setup, conference, 1)
    await isInIt(setup, other, 0)
    await becomes<ConferenceView>(setup, `/conferences/${other.id}`, ({ tm_start }) => tm_start === null)
    t.true(await becomesTrue(15_000, async () => (await bridges()).length === 1))
    const late = await joins(setup, conference)
    await allHearAll(t, [phones[1]!, late])
    await late.hangup()
    await phones[1]!.hangup()
    t.true(await becomesTrue(15_000, async () => (await bridges()).length === 0))
  },
)

test.serial('an Asterisk that is restarted leaves the conference empty, and it can be joined again', async (t) => {
  const setup = await setUp(t, stack)
  const conference = await makeConference(setup)
  await joins(setup, conference)
  await stack.part('asterisk').kill9()
  await stack.part('asterisk').start()
  await isInIt(setup, conference, 0)
  const phone = await setup.stranger()
  t.true(await becomesTrue(15_000, () => phone.reaches(conference.direct_uri)))
  await isInIt(setup, conference, 1)
})

async function bridges(): Promise<unknown[]> {
  const url = new URL(stack.ariUrl)
  const headers = { authorization: `Basic ${btoa(`${url.username}:${url.password}`)}` }
  return (await (await fetch(`${url.origin}/ari/bridges`, { headers })).json()) as unknown[]
}
