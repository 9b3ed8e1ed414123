import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { leavesNothing } from '../calls/support.ts'
import { activeflow, callFlow, flow, results, runs } from '../support/flows.ts'
import { rtpEar } from '../support/rtp.ts'
import { setUp } from '../support/setup.ts'

test('the other side gets each key, and the flow waits for the last', async (t) => {
  const setup = await setUp(t)
  const uri = await flow(setup, [['digits_send', { digits: '12*#', duration: 120, interval: 100 }]])
  const ear = await rtpEar(t)
  const caller = await setup.sip()
  const answer = await caller.request('INVITE', { uri, body: ear.sdp })
  t.is(answer.status, 200)
  const ended = await activeflow(setup)
  await becomesTrue(5_000, () => ear.keys().length >= 4) // its last packet may be on its way
  t.is(ear.keys(), '12*#')
  t.deepEqual(results(ended, 'digits_send'), ['done'])
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
