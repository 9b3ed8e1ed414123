import test from 'ava'
import { leavesNothing } from '../calls/support.ts'
import { activeflow, callFlow, results, runs } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { webServer } from '../support/web.ts'

test('the caller hears himself until its time is over', async (t) => {
  const setup = await setUp(t)
  const web = await webServer(t)
  const caller = await callFlow(setup, [
    ['echo', { duration: 3_000 }],
    ['play', { stream_urls: [`${web}/tone/1000/2.wav`] }],
  ])
  t.true(await caller.hears(caller))
  t.true(await caller.hears(1000), 'what follows it')
  await caller.closed()
  const ended = await activeflow(setup)
  t.deepEqual(results(ended, 'echo'), ['done'])
  t.true(await leavesNothing(setup.stack, ended.id))
})

test('a caller who hangs up in the middle of it leaves nothing', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['echo']])
  await activeflow(setup, runs('echo'))
  t.true(await caller.hears(caller))
  await caller.hangup()
  t.true(await leavesNothing(setup.stack, (await activeflow(setup)).id))
})
