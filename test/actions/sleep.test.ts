import test from 'ava'
import { leavesNothing, sdp } from '../calls/support.ts'
import { activeflow, callFlow, results, runs } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { makeFlow, outcome, say } from './support.ts'

test('sleep lasts as long as it says', async (t) => {
  const setup = await setUp(t)
  const began = performance.now()
  const { status } = await outcome(setup, [{ type: 'sleep', option: { duration: 1_000 } }, say('busy')])
  t.is(status, 486)
  t.true(performance.now() - began >= 1_000)
})

test('a caller who hangs up in the middle of it leaves nothing', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['answer'], ['sleep', { duration: 60_000 }]])
  await activeflow(setup, runs('sleep'))
  await caller.hangup()
  const ended = await activeflow(setup)
  t.deepEqual(results(ended, 'sleep'), ['hangup'])
  t.true(await leavesNothing(setup.stack, ended.id))
})

test('a caller who gives up before the answer ends it too', async (t) => {
  const setup = await setUp(t)
  const { direct_uri: uri } = await makeFlow(setup, [{ type: 'sleep', option: { duration: 60_000 } }])
  const caller = await setup.sip()
  const call = { uri, callId: crypto.randomUUID(), cseq: 1, branch: `z9hG4bK${crypto.randomUUID()}`, tag: 'a' }
  caller.send(caller.compose('INVITE', { ...call, body: sdp('127.0.0.1', 40000) }))
  await activeflow(setup, runs('sleep'))
  caller.send(caller.compose('CANCEL', call))
  t.deepEqual(results(await activeflow(setup), 'sleep'), ['hangup'])
})
