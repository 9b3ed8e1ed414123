import test from 'ava'
import { leavesNothing } from '../calls/support.ts'
import { inBand } from '../support/dtmf.ts'
import { activeflow, callFlow, flow, results, runs, type Short } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { soundFile } from '../support/sipp.ts'

const digits = 'hashdial.call.digits'

test('it ends with the last of the keys that it wants (RFC 4733)', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['digits_receive', { length: 3, duration: 10_000 }]])
  await activeflow(setup, runs('digits_receive'))
  await caller.press('4711')
  await caller.closed()
  t.is((await activeflow(setup)).variables[digits], '471')
})

test('it ends with one of the keys that end it, which is kept', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['digits_receive', { key: '*#', duration: 10_000 }]])
  await activeflow(setup, runs('digits_receive'))
  await caller.press('90#')
  await caller.closed()
  t.is((await activeflow(setup)).variables[digits], '90#')
})

test('it ends when its time is over, with what there is; a second one adds to it', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [
    ['digits_receive', { length: 9, duration: 1_500 }],
    ['digits_receive', { length: 1, duration: 10_000 }],
  ])
  await activeflow(setup, runs('digits_receive'))
  await caller.press('1')
  await activeflow(setup, ({ executed_actions }) => executed_actions.length === 2)
  await caller.press('2')
  await caller.closed()
  t.is((await activeflow(setup)).variables[digits], '12')
})

test('each of two menus gets its own key, also of one who types ahead', async (t) => {
  const setup = await setUp(t)
  const menu: Short[] = [
    ['play', { stream_urls: ['digits:1234567890'], digits_handle: 'next' }],
    ['digits_receive', { length: 1, duration: 10_000 }],
    ['variable_set', { key: 'first', value: `\${${digits}}` }],
    ['play', { stream_urls: ['digits:1234567890'], digits_handle: 'next' }],
    ['digits_receive', { length: 1, duration: 10_000 }],
  ]
  const caller = await callFlow(setup, [['answer'], ...menu])
  await activeflow(setup, runs('play'))
  await caller.press('12')
  await caller.closed()
  const { variables } = await activeflow(setup)
  t.is(variables.first, '1')
  t.is(variables[digits], '12')
})

test('keys by SIP INFO count', async (t) => {
  const setup = await setUp(t)
  const uri = await flow(setup, [['digits_receive', { key: '#', duration: 10_000 }]])
  const sipp = await setup.sipp({ scenario: 'uac-info', target: setup.edge, keys: { uri }, pause: 300 })
  const { code, log } = await sipp.result()
  t.is(code, 0, log)
  t.is((await activeflow(setup)).variables[digits], '5#')
})

test('keys that are heard as tones count, from a phone that knows nothing better', async (t) => {
  const setup = await setUp(t)
  const uri = await flow(setup, [['digits_receive', { key: '#', duration: 10_000 }]])
  const sound = soundFile(t, setup.stack.folder, inBand('7*2#'))
  const sipp = await setup.sipp({ scenario: 'uac-sound', target: setup.edge, keys: { uri, sound }, pause: 300 })
  const { code, log } = await sipp.result()
  t.is(code, 0, log)
  t.is((await activeflow(setup)).variables[digits], '7*2#')
})

test('a caller who hangs up in the middle of it leaves nothing, and his keys are shown', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['digits_receive', { length: 5, duration: 60_000 }]])
  await activeflow(setup, runs('digits_receive'))
  await caller.press('12')
  await activeflow(setup, ({ variables }) => variables[digits] === '12')
  await caller.hangup()
  const ended = await activeflow(setup)
  t.deepEqual(results(ended, 'digits_receive'), ['hangup'])
  t.true(await leavesNothing(setup.stack, ended.id))
})
