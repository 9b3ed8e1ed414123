import test from 'ava'
import { leavesNothing } from '../calls/support.ts'
import { activeflow, callFlow, runs } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'

for (const direction of ['in', 'out', 'both']) {
  test(`muted ${direction}, a caller hears nothing of himself, and again when it is over`, async (t) => {
    const setup = await setUp(t)
    const caller = await callFlow(setup, [
      ['mute', { direction }],
      ['echo', { duration: 2_500 }],
      ['mute', { direction, muted: false }],
      ['echo', { duration: 20_000 }],
    ])
    await activeflow(setup, runs('echo'))
    t.true(await caller.hearsNothing())
    t.true(await caller.hears(caller))
    await caller.hangup()
    t.true(await leavesNothing(setup.stack, (await activeflow(setup)).id))
  })
}
