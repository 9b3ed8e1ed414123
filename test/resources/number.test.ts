import test from 'ava'
import { useApi } from '../api/support.ts'

const api = useApi(test)

test('a number leads to a flow, and to none when that is deleted', async (t) => {
  const { key } = await api().customer()
  const { body: flow } = await api().post(key, '/v1.0/flows', { actions: [{ type: 'answer' }] })
  const values = { number: '+4930123456', call_flow_id: flow.id }
  const { status, body } = await api().post(key, '/v1.0/numbers', values)
  t.is(status, 201)
  t.deepEqual([body.number, body.call_flow_id, body.direct_hash], ['+4930123456', flow.id, undefined])
  const path = `/v1.0/numbers/${body.id}`
  t.is((await api().put(key, path, { name: 'Berlin' })).body.call_flow_id, flow.id)
  t.is((await api().put(key, path, { number: '+4930123457' })).status, 400)
  t.is((await api().put(key, path, { call_flow_id: crypto.randomUUID() })).status, 400)
  t.is((await api().delete(key, `/v1.0/flows/${flow.id}`)).status, 200)
  t.is((await api().get(key, path)).body.call_flow_id, null)
  t.is((await api().delete(key, path)).status, 200)
})

test('a number is E.164, and belongs to one customer of all', async (t) => {
  const [one, other] = [await api().customer(), await api().customer()]
  for (const number of ['4930123456', '+0301234', '+49 30 1', '+1', `+${'1'.repeat(16)}`, '', null])
    t.is((await api().post(one.key, '/v1.0/numbers', { number })).status, 400, String(number))
  t.is((await api().post(one.key, '/v1.0/numbers', { number: '+12125550100' })).status, 201)
  const again = await api().post(other.key, '/v1.0/numbers', { number: '+12125550100' })
  t.deepEqual([again.status, again.body.error.reason], [409, 'NUMBER_ALREADY_EXISTS'])
  const { body: flow } = await api().post(other.key, '/v1.0/flows', { actions: [] })
  const foreign = await api().post(one.key, '/v1.0/numbers', { number: '+12125550101', call_flow_id: flow.id })
  t.deepEqual([foreign.status, foreign.body.error.details[0].field], [400, 'call_flow_id'])
})
