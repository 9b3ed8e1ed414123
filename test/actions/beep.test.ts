import test from 'ava'
import { leavesNothing } from '../calls/support.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { activeflow, callFlow, results } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { loudness } from '../support/tone.ts'

test('a beep is heard', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['answer'], ['beep'], ['sleep', { duration: 1_000 }]])
  t.true(await becomesTrue(4_000, () => loudness(caller.heard(0.2)) > 300))
  await caller.closed()
  t.deepEqual(results(await activeflow(setup), 'beep'), ['done'])
})

test('a caller who hangs up in the middle of beeps leaves nothing', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['answer'], ...Array.from({ length: 50 }, (): [string] => ['beep'])])
  await activeflow(setup, ({ executed_actions }) => executed_actions.length > 2)
  await caller.hangup()
  t.true(await leavesNothing(setup.stack, (await activeflow(setup)).id))
})
