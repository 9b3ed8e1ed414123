import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { activeflow, callFlow, results, runs } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { listener, makeFlow, outcome, ring, say } from './support.ts'

test('a webhook is sent with its method, type and data, variables filled in', async (t) => {
  const setup = await setUp(t)
  const web = await listener(t, (_asked, response) => response.end())
  const { ran } = await outcome(setup, [
    { type: 'variable_set', option: { key: 'who', value: '"}\\' } },
    {
      type: 'webhook_send',
      option: { sync: true, uri: `${web.url}/a`, method: 'PUT', data_type: 'text/x', data: 'I am ${who}' },
    },
    { type: 'webhook_send', option: { sync: true, uri: `${web.url}/b`, data: { who: '${who}' } } },
    { type: 'webhook_send', option: { sync: true, uri: `${web.url}/c`, method: 'GET' } },
    say('busy'),
  ])
  t.deepEqual(results(ran, 'webhook_send'), ['done', 'done', 'done'])
  t.deepEqual(
    web.asked.map(({ method, url, headers, body }) => [method, url, headers['content-type'], body]),
    [
      ['PUT', '/a', 'text/x', 'I am "}\\'],
      ['POST', '/b', 'application/json', JSON.stringify({ who: '"}\\' })],
      ['GET', '/c', undefined, ''],
    ],
  )
})

test('what a sync one is answered is noted; one that is not sync is delivered after the call has ended', async (t) => {
  const setup = await setUp(t)
  const web = await listener(t, (_asked, response) => response.writeHead(500).end())
  const send = (sync: boolean) => ({ type: 'webhook_send', option: { uri: web.url, sync } })
  const { status, ran } = await outcome(setup, [send(true), send(false), say('busy')])
  t.is(status, 486)
  t.deepEqual(results(ran, 'webhook_send'), ['the webhook was answered with 500', 'done'])
  t.true(await becomesTrue(5_000, () => web.asked.length === 2))
  const nobody = await outcome(setup, [
    { type: 'webhook_send', option: { uri: 'http://127.0.0.1:9/', sync: true } },
    say('busy'),
  ])
  t.regex(results(nobody.ran, 'webhook_send')[0]!, /not delivered: ECONNREFUSED/)
})

test('a caller who hangs up while a sync one waits is not waited for', async (t) => {
  const setup = await setUp(t)
  const web = await listener(t, () => undefined)
  const caller = await callFlow(setup, [['answer'], ['webhook_send', { uri: web.url, sync: true }]])
  await activeflow(setup, runs('webhook_send'))
  await caller.hangup()
  t.deepEqual(results(await activeflow(setup), 'webhook_send'), ['hangup'])
})

test('the flow of on_complete_flow_id runs when the call is over, with its variables, and without a caller', async (t) => {
  const setup = await setUp(t)
  const web = await listener(t, (_asked, response) => response.end())
  const data = '${a} ${hashdial.call.hangup_reason} ${hashdial.activeflow.complete_count}'
  const after = await makeFlow(setup, [
    { type: 'answer' },
    { type: 'webhook_send', option: { uri: web.url, sync: true, data } },
  ])
  await setup.api('PUT', `/flows/${after.id}`, { on_complete_flow_id: after.id })
  const before = [{ type: 'variable_set', option: { key: 'a', value: 'x' } }, say('busy')]
  const { direct_uri } = await makeFlow(setup, before, { on_complete_flow_id: after.id })
  t.is((await ring(setup, direct_uri)).status, 486)
  // It follows itself; a chain has five links.
  t.true(await becomesTrue(8_000, () => web.asked.length === 5))
  const bodies = web.asked.map(({ body }) => body)
  t.deepEqual(bodies, ['x busy 1', 'x busy 2', 'x busy 3', 'x busy 4', 'x busy 5'])
  const last = await activeflow(setup)
  t.deepEqual(results(last, 'answer'), ['there is no caller any more'])
  const { body } = await setup.api<{ result: { reference_activeflow_id: string | null }[] }>('GET', '/activeflows')
  t.is(body.result.length, 6)
  t.is(body.result.at(-1)!.reference_activeflow_id, null)
})
