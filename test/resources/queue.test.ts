import test from 'ava'
import { useApi } from '../api/support.ts'

const api = useApi(test)
const nobody = '00000000-0000-4000-8000-000000000001'

test('a queue has a direct address, and all of its settings a default', async (t) => {
  const { key, id: customer_id } = await api().customer()
  const { status, body } = await api().post(key, '/v1.0/queues', { name: 'Support' })
  t.is(status, 201)
  t.deepEqual(body, {
    ...{ id: body.id, customer_id, name: 'Support', detail: '', routing_method: 'longest_idle', agent_ids: [] },
    ...{ skill_steps: [], tag_ids: [], wait_flow_id: null, wait_timeout: 0, service_timeout: 0, ring_timeout: 15_000 },
    ...{ wrap_up: 0, max_waiting: 0, join_empty: true, leave_when_empty: false, max_misses: 0 },
    ...{ no_answer_delay: 5_000, reject_delay: 15_000, busy_delay: 10_000, priority_seconds: 60 },
    ...{
      service_level: 20_000,
      recording: 'none',
      whisper: '',
      on_timeout_flow_id: null,
      on_empty_flow_id: null,
      on_full_flow_id: null,
    },
    ...{ callback_key: '', callback_attempts: 3, callback_delay: 10_000, callback_retry_delay: 300_000 },
    ...{ announce_interval: 0, announce_text: 'You are number ${hashdial.queuecall.position} in line. Please wait.' },
    callback_text: 'Thank you. We call you back when it is your turn. Goodbye.',
    callback_prompt: 'You asked us to call you back. Press 1 to talk with us.',
    ...{ wait_queuecall_ids: [], service_queuecall_ids: [] },
    ...{ total_incoming_count: 0, total_serviced_count: 0, total_abandoned_count: 0 },
    ...{ direct_hash: body.direct_hash, direct_uri: `sip:direct.${body.direct_hash}@sip.hashdial.test` },
    ...{ tm_create: body.tm_create, tm_update: null, tm_delete: null },
  })
  const path = `/v1.0/queues/${body.id}`
  t.like((await api().put(key, path, { routing_method: 'ring_all', wrap_up: 5_000 })).body, { wrap_up: 5_000 })
  t.is((await api().put(key, path, { routing_method: 'newest_first' })).status, 400)
  t.is((await api().put(key, path, { announce_interval: 14_999 })).status, 400)
  t.is((await api().delete(key, path)).status, 200)
  t.is((await api().get(key, path)).body.error.reason, 'QUEUE_NOT_FOUND')
})

test('tags, agents and flows that the customer has not are named, and so is a queue in a flow', async (t) => {
  const [{ key }, other] = [await api().customer(), await api().customer()]
  const { body: foreign } = await api().post(other.key, '/v1.0/tags', { name: 'a tag' })
  const wrong = { agent_ids: [nobody], wait_flow_id: nobody }
  const { body: refused } = await api().post(key, '/v1.0/queues', wrong)
  t.deepEqual(refused.error.details, [
    { field: 'wait_flow_id', problem: 'you have no flow with this id' },
    { field: 'agent_ids.0', problem: 'you have no agent with this id' },
  ])
  t.is((await api().post(key, '/v1.0/queues', { tag_ids: [foreign.id] })).status, 400)
  const actions = [{ type: 'queue_join', option: { queue_id: nobody } }]
  const { body } = await api().post(key, '/v1.0/flows', { actions })
  t.deepEqual(body.error.details, [{ field: 'actions[0].option.queue_id', problem: 'you have no queue with this id' }])
})

test('tags of a queue have levels, and a tag that is deleted is wanted no more', async (t) => {
  const { key } = await api().customer()
  const tag = (await api().post(key, '/v1.0/tags', { name: 'German' })).body.id
  const { body } = await api().post(key, '/v1.0/queues', { tag_ids: [{ tag_id: tag, level: 7 }] })
  t.deepEqual(body.tag_ids, [{ tag_id: tag, level: 7 }])
  t.is((await api().delete(key, `/v1.0/tags/${tag}`)).status, 200)
  t.deepEqual((await api().get(key, `/v1.0/queues/${body.id}`)).body.tag_ids, [])
})

test('the live state names the agents that serve the queue, and nobody can tell how long one waits', async (t) => {
  const { key } = await api().customer()
  const { body: agent } = await api().post(key, '/v1.0/agents', { username: 'jane', password: 'a long password' })
  const { body: queue } = await api().post(key, '/v1.0/queues', {})
  const { status, body } = await api().get(key, `/v1.0/queues/${queue.id}/state`)
  t.is(status, 200)
  t.deepEqual(body, {
    ...{
      waiting_count: 0,
      callback_count: 0,
      longest_wait: 0,
      estimated_wait: null,
      service_level_1: null,
      service_level_2: null,
    },
    ...{ total_serviced_count: 0, total_abandoned_count: 0, serviced_in_level_count: 0, abandoned_in_level_count: 0 },
    agents: [
      {
        id: agent.id,
        name: '',
        status: 'offline',
        status_reason: '',
        tm_status: agent.tm_status,
        ...{ serviced: 0, calls: 0, talk_time: 0, missed: 0 },
      },
    ],
  })
  t.is((await api().get(key, `/v1.0/queues/${nobody}/state`)).status, 404)
})
