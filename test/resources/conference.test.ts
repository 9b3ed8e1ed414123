import test from 'ava'
import { useApi } from '../api/support.ts'

const api = useApi(test)
const nobody = '00000000-0000-4000-8000-000000000001'

test('a conference has a direct address, and all of its settings a default', async (t) => {
  const { key, id: customer_id } = await api().customer()
  const { status, body } = await api().post(key, '/v1.0/conferences', { name: 'Monday' })
  t.is(status, 201)
  t.deepEqual(body, {
    ...{ id: body.id, customer_id, name: 'Monday', detail: '', type: 'conference', status: 'progressing' },
    ...{ timeout: 0, data: {}, pre_flow_id: null, post_flow_id: null, max_participants: 0, join_muted: false },
    ...{ announce: 'none', music_when_alone: true, before_moderator: 'open', after_moderator: 'go_on' },
    ...{ recording: 'on_request', menu: true, has_pin: false, has_moderator_pin: false, locked: false },
    ...{ tm_start: null, conferencecall_ids: [], recording_id: null, recording_ids: [] },
    ...{ direct_hash: body.direct_hash, direct_uri: `sip:direct.${body.direct_hash}@sip.hashdial.test` },
    ...{ tm_create: body.tm_create, tm_update: null, tm_delete: null },
  })
  t.regex(body.direct_hash, /^[0-9a-f]{12}$/)
  t.is((await api().delete(key, `/v1.0/conferences/${body.id}`)).status, 200)
  t.is((await api().get(key, `/v1.0/conferences/${body.id}`)).body.error.reason, 'CONFERENCE_NOT_FOUND')
})

test('a PIN is digits, is shown nowhere, and is taken away by an empty one', async (t) => {
  const { key } = await api().customer()
  for (const pin of ['123', '12a4', '12345678901234567', 1234, null])
    t.is((await api().post(key, '/v1.0/conferences', { pin })).status, 400, String(pin))
  const { body, text } = await api().post(key, '/v1.0/conferences', { pin: '4711' })
  t.like(body, { has_pin: true, has_moderator_pin: false })
  t.notRegex(text, /4711|scrypt|pin_hash/)
  const path = `/v1.0/conferences/${body.id}`
  t.like((await api().put(key, path, { moderator_pin: '998877' })).body, { has_pin: true, has_moderator_pin: true })
  t.like((await api().put(key, path, { pin: '' })).body, { has_pin: false, has_moderator_pin: true })
  const events: { data: string }[] = await api().database.query('SELECT data FROM events WHERE resource_id = ?', [
    body.id,
  ])
  t.is(events.length, 3)
  t.notRegex(JSON.stringify(events), /4711|998877|scrypt/)
})

test('what a conference names has to be there, and so has a conference that a flow names', async (t) => {
  const [{ key }, other] = [await api().customer(), await api().customer()]
  const foreign = await api().post(other.key, '/v1.0/flows', { actions: [] })
  const { body: refused } = await api().post(key, '/v1.0/conferences', { pre_flow_id: foreign.body.id })
  t.deepEqual(refused.error.details, [{ field: 'pre_flow_id', problem: 'you have no flow with this id' }])
  for (const type of ['conference_join', 'confbridge_join']) {
    const actions = [{ type, option: { conference_id: nobody } }]
    const { body } = await api().post(key, '/v1.0/flows', { actions })
    t.deepEqual(body.error.details, [
      { field: 'actions[0].option.conference_id', problem: 'you have no conference with this id' },
    ])
  }
  const { body: own } = await api().post(key, '/v1.0/conferences', {})
  const actions = [{ type: 'conference_join', option: { conference_id: own.id, moderator: true } }]
  t.is((await api().post(key, '/v1.0/flows', { actions })).status, 201)
})

test('an empty conference can be locked; what needs somebody in it is refused', async (t) => {
  const { key } = await api().customer()
  const { body } = await api().post(key, '/v1.0/conferences', {})
  const path = `/v1.0/conferences/${body.id}`
  for (const [command, given] of Object.entries({
    ...{ mute: undefined, unmute: undefined, recording_start: undefined, recording_stop: undefined },
    ...{ play: { stream_urls: ['sound:beep'] }, talk: { text: 'Hello' } },
  })) {
    const { status, body: answer } = await api().post(key, `${path}/${command}`, given)
    // This API has no Asterisk behind it.
    t.is(status, 503, command)
    t.is(answer.error.reason, 'CALLS_UNAVAILABLE')
  }
  t.is((await api().post(key, `${path}/talk`, {})).status, 400)
  t.is((await api().post(key, `${path}/play`, { stream_urls: ['file:///etc/passwd'] })).status, 400)
})
