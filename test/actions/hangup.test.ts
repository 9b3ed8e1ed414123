import test from 'ava'
import { hasEnded, latestCall, leavesNothing } from '../calls/support.ts'
import { activeflow, callFlow, results } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { outcome } from './support.ts'

for (const [reason, status] of [
  ['normal', 480],
  ['failed', 500],
  ['busy', 486],
  ['cancel', 487],
  ['timeout', 408],
  ['noanswer', 480],
  ['dialout', 404],
  ['amd', 480],
] as const) {
  test(`a caller who was not answered is told ${status} by hangup with the reason ${reason}`, async (t) => {
    const setup = await setUp(t)
    const { status: told, ran } = await outcome(setup, [{ type: 'hangup', option: { reason } }, { type: 'answer' }])
    t.is(told, status)
    t.deepEqual(
      ran.executed_actions.map(({ type }) => type),
      ['hangup'],
    )
    const call = await latestCall(setup.api, hasEnded)
    t.deepEqual([call.hangup_by, call.hangup_reason], ['local', reason])
  })
}

test('one who was answered is released, also right after the answer', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['answer'], ['hangup', { reason: 'busy' }]])
  await caller.closed()
  const call = await latestCall(setup.api, hasEnded)
  t.truthy(call.tm_progressing)
  t.is(call.hangup_reason, 'busy')
  t.true(await leavesNothing(setup.stack, call.activeflow_id))
})

test('it ends as another call of the customer ended', async (t) => {
  const setup = await setUp(t)
  await outcome(setup, [{ type: 'hangup', option: { reason: 'busy' } }])
  const { id: reference_id } = await latestCall(setup.api, hasEnded)
  t.is((await outcome(setup, [{ type: 'hangup', option: { reference_id } }])).status, 486)
  const unknown = await outcome(setup, [{ type: 'hangup', option: { reference_id: crypto.randomUUID() } }])
  t.regex(results(unknown.ran, 'hangup')[0]!, /no call/)
})

test('stop ends the flow and the call', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['answer'], ['stop'], ['sleep', { duration: 60_000 }]])
  await caller.closed()
  const { executed_actions } = await activeflow(setup)
  t.deepEqual(
    executed_actions.map(({ type, result }) => [type, result]),
    [
      ['answer', 'done'],
      ['stop', 'done'],
    ],
  )
})
