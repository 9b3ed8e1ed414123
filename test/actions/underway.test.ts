import test from 'ava'
import { Budgets } from '../../src/budgets.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { activeflow, callFlow, results } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { longestDelayOf } from '../support/delay.ts'
import { id, listener, makeFlow, outcome, ring, say } from './support.ts'

test('who uses more than his budget waits for it, and what he did not use is kept for a while', (t) => {
  const budgets = new Budgets(10, 2)
  t.deepEqual([budgets.take('a', 20, 0), budgets.take('a', 1, 0), budgets.take('a', 1, 0)], [0, 100, 200])
  t.is(budgets.take('b', 1, 0), 0)
  t.is(budgets.take('a', 1, 300), 0)
  t.is(budgets.take('a', 20, 60_000), 0)
  t.true(budgets.take('a', 1, 60_000) > 0)
  t.true(budgets.take('c', 100, 0) > 0)
})

test('a call has so many webhooks under way and not more, its flow goes on, and nobody else waits', async (t) => {
  const [setup, other] = [await setUp(t), await setUp(t)]
  const web = await listener(t, () => undefined)
  const webhook = { type: 'webhook_send', option: { uri: web.url, data: '${v}'.repeat(1_000) } }
  const { direct_uri } = await makeFlow(setup, [
    { type: 'variable_set', option: { key: 'v', value: 'x'.repeat(32_000) } },
    ...Array.from({ length: 18 }, () => webhook),
    say('busy'),
  ])
  const flooded = ring(setup, direct_uri)
  t.true(await becomesTrue(10_000, () => web.asked.length === 16))
  t.is((await outcome(other, [{ type: 'webhook_send', option: { uri: web.url } }, say('cancel')])).status, 487)
  const { status, ran } = await flooded
  t.is(status, 486)
  // One that gives up after 10 s may have made room for the last.
  t.true(results(ran, 'webhook_send').some((result) => /16 requests of yours are under way/.test(result)))
  t.true(web.asked.filter(({ body }) => body.length === 32_768).length < 18)
})

test('a call that fills in what would be hundreds of megabytes is told so, and the others go on', async (t) => {
  const setup = await setUp(t)
  await longestDelayOf(setup)
  const set = (key: string, value: string) => ({ type: 'variable_set', option: { key, value } })
  const list = Array.from({ length: 1_900 }, () => '${v}')
  const { status, ran } = await outcome(setup, [
    set('v', 'x'.repeat(32_768)),
    set('a', '${v}'.repeat(8_000)),
    set('b', '${'.repeat(16_000)),
    { type: 'webhook_send', option: { uri: 'http://127.0.0.1:9/', data: { list }, sync: true } },
    { type: 'webhook_send', option: { uri: 'http://127.0.0.1:9/', data: '${v}'.repeat(12_000), sync: true } },
    say('busy'),
  ])
  t.is(status, 486)
  t.is(ran.variables.a!.length, 32_768)
  t.is(ran.variables.b!.length, 32_000)
  t.regex(results(ran, 'webhook_send')[0]!, /have over 262144 characters/)
  t.regex(results(ran, 'webhook_send')[1]!, /not delivered/)
  const delay = await longestDelayOf(setup)
  t.true(delay < 1_000, `${delay} ms`)
})

test('what is wrong with an option is told in a few words, however long the option is', async (t) => {
  const setup = await setUp(t)
  const { ran } = await outcome(setup, [
    { type: 'variable_set', option: { key: 'v', value: 'é'.repeat(32_000) } },
    { type: 'webhook_send', option: { uri: 'http://127.0.0.1:9/', data_type: '${v}', sync: true } },
    say('busy'),
  ])
  t.true(results(ran, 'webhook_send')[0]!.length <= 1_000)
})

test('flows after calls that do not come to an end wait for one another, and each runs in the end', async (t) => {
  const setup = await setUp(t)
  let release = false
  const waiting: (() => void)[] = []
  const web = await listener(t, (_asked, response) =>
    release ? response.end() : void waiting.push(() => response.end()),
  )
  const after = await makeFlow(setup, [{ type: 'webhook_send', option: { uri: web.url, sync: true } }])
  const { direct_uri } = await makeFlow(setup, [say('busy')], { on_complete_flow_id: after.id })
  const caller = await setup.sip()
  for (let count = 0; count < 55; count++) {
    const call = { uri: direct_uri, body: '' }
    caller.acknowledge(await caller.request('INVITE', call, 20_000), call)
  }
  t.true(await becomesTrue(10_000, () => web.asked.length === 50))
  t.is(web.asked.length, 50)
  release = true
  for (const answer of waiting) answer()
  t.true(await becomesTrue(10_000, () => web.asked.length === 55))
})

test('a flow with a long list stores it before each action and holds nobody up', async (t) => {
  const setup = await setUp(t)
  const web = await listener(t, (_asked, response) => response.end())
  const filler = Array.from({ length: 900 }, () => ({
    type: 'webhook_send',
    option: { uri: web.url, data: '"'.repeat(60) },
  }))
  const long = [
    { id: id(1), type: 'sleep', option: { duration: 20 } },
    { type: 'goto', option: { target_id: id(1), loop_count: 30 } },
    { type: 'stop' },
    ...filler,
  ]
  const { id: flow_id } = await makeFlow(setup, long)
  await longestDelayOf(setup)
  const fetch = ['fetch_flow', { flow_id }] as [string, object]
  await Promise.all(Array.from({ length: 4 }, () => callFlow(setup, [['answer'], fetch])))
  await activeflow(setup)
  const delay = await longestDelayOf(setup)
  t.true(delay < 1_000, `${delay} ms`)
})
