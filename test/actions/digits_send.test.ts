import test from 'ava'
import { leavesNothing } from '../calls/support.ts'
import { activeflow, callFlow, results, runs } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'

test('the other side gets each key, and the flow waits for the last', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['digits_send', { digits: '12*#', duration: 120, interval: 100 }]])
  await caller.closed()
  t.deepEqual(caller.pressed(), ['1', '2', '*', '#'])
  t.deepEqual(results(await activeflow(setup), 'digits_send'), ['done'])
})

test('a caller who hangs up in the middle of it leaves nothing', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['digits_send', { digits: '1234567890', duration: 1_000, interval: 1_000 }]])
  await activeflow(setup, runs('digits_send'))
  await caller.hangup()
  const ended = await activeflow(setup)
  t.deepEqual(results(ended, 'digits_send'), ['hangup'])
  t.true(await leavesNothing(setup.stack, ended.id))
})
