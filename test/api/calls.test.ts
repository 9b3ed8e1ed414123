import test from 'ava'
import { now } from '../../src/database.ts'
import { useApi } from './support.ts'

const hungUp: string[] = []
const api = useApi(test, {
  calls: {
    async hangup(id) {
      hungUp.push(id)
      await api().database.query(`UPDATE calls SET status = 'terminating', hangup_by = 'local' WHERE id = ?`, [id])
    },
  },
})

async function call(customerId: string, more: object = {}): Promise<string> {
  const id = crypto.randomUUID()
  const address = { type: 'sip', target: 'sip:alice@example.com', target_name: 'Älice 😀' }
  await api()
    .database.getRepository('calls')
    .insert({
      ...{
        id,
        customer_id: customerId,
        activeflow_id: crypto.randomUUID(),
        groupcall_id: null,
        node: 'n',
        channel_id: 'c',
      },
      ...{
        sip_call_id: 'abc@x',
        direction: 'incoming',
        source: address,
        destination: { ...address, type: 'extension' },
      },
      ...{ status: 'progressing', hangup_by: '', hangup_reason: '', tm_ringing: now(), tm_progressing: now() },
      ...{ tm_hangup: null, tm_create: now(), tm_update: null },
      ...more,
    })
  return id
}

test('a customer sees its calls with who, when and how, and no other’s', async (t) => {
  const [mine, other] = [await api().customer(), await api().customer()]
  const id = await call(mine.id)
  const { status, body } = await api().get(mine.key, `/v1.0/calls/${id}`)
  t.is(status, 200)
  t.like(body, { id, customer_id: mine.id, status: 'progressing', hangup_by: '', tm_hangup: null, tm_delete: null })
  t.deepEqual(body.source, { type: 'sip', target: 'sip:alice@example.com', target_name: 'Älice 😀' })
  t.false('node' in body || 'channel_id' in body)
  t.deepEqual((await api().get(mine.key, '/v1.0/calls')).body.result, [body])
  t.deepEqual((await api().get(other.key, '/v1.0/calls')).body.result, [])
  t.is((await api().get(other.key, `/v1.0/calls/${id}`)).body.error.reason, 'CALL_NOT_FOUND')
})

test('a call is ended by its customer, once', async (t) => {
  const [mine, other] = [await api().customer(), await api().customer()]
  const id = await call(mine.id)
  t.is((await api().post(other.key, `/v1.0/calls/${id}/hangup`)).status, 404)
  t.false(hungUp.includes(id))
  const { status, body } = await api().post(mine.key, `/v1.0/calls/${id}/hangup`)
  t.deepEqual([status, body.status, body.hangup_by], [200, 'terminating', 'local'])
  t.true(hungUp.includes(id))
  const over = await call(mine.id, { status: 'hangup', tm_hangup: now() })
  const again = await api().post(mine.key, `/v1.0/calls/${over}/hangup`)
  t.is(again.status, 409)
  t.deepEqual([again.body.error.status, again.body.error.reason], ['FAILED_PRECONDITION', 'CALL_ALREADY_HANGUP'])
})

test('calls cannot be changed', async (t) => {
  const { id: customer, key } = await api().customer()
  const id = await call(customer)
  t.is((await api().put(key, `/v1.0/calls/${id}`, {})).status, 405)
  t.is((await api().delete(key, `/v1.0/calls/${id}`)).status, 405)
})

test('an activeflow shows its current action, what it did, and its variables, but not its memory', async (t) => {
  const { id: customer_id, key } = await api().customer()
  const id = crypto.randomUUID()
  const action = { type: 'connect', option: { destinations: [] } }
  const executed = { id: '', type: 'connect', tm_start: now(), tm_end: null, result: '' }
  await api()
    .database.getRepository('activeflows')
    .insert({
      ...{
        id,
        customer_id,
        flow_id: null,
        reference_type: 'call',
        reference_id: crypto.randomUUID(),
        status: 'running',
      },
      state: { stack: [{ actions: [action], cursor: 0 }], executions: 1, variables: { a: 'b' } },
      ...{ executed_actions: [executed], tm_create: now(), tm_update: null, tm_end: null },
    })
  const { body } = await api().get(key, `/v1.0/activeflows/${id}`)
  t.like(body, { id, status: 'running', current_action: action, variables: { a: 'b' }, executed_actions: [executed] })
  t.false('state' in body)
  t.is((await api().get(key, '/v1.0/activeflows')).body.result[0].id, id)
})
