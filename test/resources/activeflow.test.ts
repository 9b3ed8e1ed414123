import test from 'ava'
import { hasEnded, latestCall, leavesNothing, sdp } from '../calls/support.ts'
import { listener, makeFlow } from '../actions/support.ts'
import { activeflow, callFlow, results, runs } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { SipClient } from '../support/sip.ts'

test('stop ends an activeflow and its call, and what has ended stays as it is', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [
    ['answer'],
    ['variable_set', { key: 'a', value: 'b' }],
    ['sleep', { duration: 60_000 }],
  ])
  const { id } = await activeflow(setup, runs('sleep'))
  t.is((await setup.api('POST', `/activeflows/${id}/stop`)).status, 200)
  await caller.closed()
  const ended = await activeflow(setup)
  t.is(ended.variables.a, 'b')
  t.deepEqual(
    ended.executed_actions.map(({ type, result }) => [type, result]),
    [
      ['answer', 'done'],
      ['variable_set', 'done'],
      ['sleep', 'hangup'],
    ],
  )
  t.is((await latestCall(setup.api, hasEnded)).hangup_by, 'local')
  t.is((await setup.api('POST', `/activeflows/${id}/stop`)).status, 200)
  t.is((await setup.api('POST', `/activeflows/${crypto.randomUUID()}/stop`)).status, 404)
  t.true(await leavesNothing(setup.stack, id))
})

test('one that follows a call can be stopped too', async (t) => {
  const setup = await setUp(t)
  const web = await listener(t, () => undefined)
  const after = await makeFlow(setup, [
    { type: 'webhook_send', option: { uri: web.url, sync: true } },
    { type: 'stop' },
  ])
  const { direct_uri } = await makeFlow(setup, [{ type: 'stop' }], { on_complete_flow_id: after.id })
  const caller = await setup.sip()
  const call = { uri: direct_uri, body: sdp('127.0.0.1', 40000) }
  caller.acknowledge(await caller.request('INVITE', call), call)
  const { id } = await activeflow(setup, runs('webhook_send'))
  await setup.api('POST', `/activeflows/${id}/stop`)
  t.deepEqual(results(await activeflow(setup), 'webhook_send'), ['hangup'])
})

test('a call to a number gets its flow, and knows the number; without a flow it is 404', async (t) => {
  const setup = await setUp(t)
  const flow = await makeFlow(setup, [
    { type: 'variable_set', option: { key: 'to', value: '${hashdial.call.destination.target_name}' } },
    { type: 'hangup', option: { reason: 'busy' } },
  ])
  const number = `+4930${Math.floor(Math.random() * 1e9)}`
  const { body } = await setup.api<{ id: string }>('POST', '/numbers', { number, call_flow_id: flow.id })
  // As the edge calls it, when a trunk has brought it a call to the number.
  const edge = await SipClient.open(setup.stack.ports.asteriskSip)
  t.teardown(() => edge.close())
  const call = {
    uri: `sip:number.${body.id}@127.0.0.1:${setup.stack.ports.asteriskSip}`,
    body: sdp('127.0.0.1', 40000),
  }
  const dial = async () => {
    const answer = await edge.request('INVITE', call)
    edge.acknowledge(answer, call)
    return answer.status
  }
  t.is(await dial(), 486)
  const ran = await activeflow(setup)
  t.is(ran.variables.to, number)
  t.is((ran as unknown as { flow_id: string }).flow_id, flow.id)
  await setup.api('DELETE', `/flows/${flow.id}`)
  t.is(await dial(), 404)
})
