import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { leavesNothing } from '../calls/support.ts'
import { activeflow, callFlow, results, runs } from '../support/flows.ts'
import { rtpEar } from '../support/rtp.ts'
import { setUp } from '../support/setup.ts'

test('the sound of the call goes to the host until it is stopped', async (t) => {
  const setup = await setUp(t)
  const ear = await rtpEar(t)
  const caller = await callFlow(setup, [
    ['external_media_start', { external_host: `127.0.0.1:${ear.port}` }],
    ['sleep', { duration: 2_000 }],
    ['external_media_stop'],
    ['sleep', { duration: 60_000 }],
  ])
  await activeflow(setup, ({ executed_actions }) => executed_actions.length === 4)
  t.true(ear.packets() > 50)
  const { id, executed_actions } = await activeflow(setup, runs('sleep'))
  t.deepEqual(
    executed_actions.map(({ result }) => result),
    ['done', 'done', 'done', ''],
  )
  await caller.hangup()
  t.true(await leavesNothing(setup.stack, id))
})

test('it ends with the call, and leaves nothing', async (t) => {
  const setup = await setUp(t)
  const ear = await rtpEar(t)
  const caller = await callFlow(setup, [
    ['external_media_start', { external_host: `127.0.0.1:${ear.port}` }],
    ['sleep', { duration: 60_000 }],
  ])
  t.true(await becomesTrue(5_000, () => ear.packets() > 20))
  await caller.hangup()
  t.true(await leavesNothing(setup.stack, (await activeflow(setup)).id))
})

test('a host of a private network is refused, and there is nothing to stop', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [
    ['external_media_start', { external_host: '127.0.0.2:4000' }],
    ['external_media_stop'],
  ])
  await caller.closed()
  const ended = await activeflow(setup)
  t.regex(results(ended, 'external_media_start')[0]!, /not on the public internet/)
})
