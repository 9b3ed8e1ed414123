import test from 'ava'
import { hasEnded, latestCall, leavesNothing } from '../calls/support.ts'
import { activeflow, results } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { id, makeFlow, outcome, ring, say } from './support.ts'

test('goto jumps as often as loop_count says, and then the next action follows', async (t) => {
  const setup = await setUp(t)
  const { status, ran } = await outcome(setup, [
    { id: id(1), type: 'variable_set', option: { key: 'rounds', value: '${rounds}x' } },
    { type: 'goto', option: { target_id: id(1), loop_count: 3 } },
    say('busy'),
  ])
  t.is(status, 486)
  t.is(ran.variables.rounds, 'xxxx')
  t.is(results(ran, 'goto').length, 4)
})

test('goto without loop_count always jumps, loop_count 0 never does, and next_id leads past actions', async (t) => {
  const setup = await setUp(t)
  const { status, ran } = await outcome(setup, [
    { type: 'variable_set', next_id: id(2), option: { key: 'a', value: '1' } },
    say('busy', id(1)),
    { id: id(2), type: 'goto', option: { target_id: id(1), loop_count: 0 } },
    { type: 'goto', option: { target_id: id(3) } },
    say('cancel'),
    say('timeout', id(3)),
  ])
  t.is(status, 408)
  t.is(ran.variables.a, '1')
})

test('a loop that a condition could leave, and does not, is ended: a flow cannot spin', async (t) => {
  const setup = await setUp(t)
  const { direct_uri } = await makeFlow(setup, [
    {
      id: id(1),
      type: 'condition_variable',
      option: { condition: '!=', variable: 'a', value_string: '1', false_target_id: id(2) },
    },
    { type: 'goto', option: { target_id: id(1) } },
    { id: id(2), type: 'stop' },
  ])
  const caller = await setup.sip()
  caller.send(caller.compose('INVITE', { uri: direct_uri, body: '' }))
  const ended = await activeflow(setup, ({ status }) => status === 'ended', 20_000)
  t.is(ended.executed_actions.length, 200)
  const call = await latestCall(setup.api, hasEnded)
  t.is(call.hangup_reason, 'failed')
  t.true(await leavesNothing(setup.stack, call.activeflow_id))
})

test('a sub-flow counts its loops anew each time, and comes back', async (t) => {
  const setup = await setUp(t)
  const inner = await makeFlow(setup, [
    { id: id(1), type: 'variable_set', option: { key: 'rounds', value: '${rounds}x' } },
    { type: 'goto', option: { target_id: id(1), loop_count: 1 } },
  ])
  const outer = await makeFlow(setup, [
    { type: 'fetch_flow', option: { flow_id: inner.id } },
    { type: 'fetch_flow', option: { flow_id: inner.id } },
    say('busy'),
  ])
  const { status, ran } = await ring(setup, outer.direct_uri)
  t.is(status, 486)
  t.is(ran.variables.rounds, 'xxxx')
})

test('a sub-flow that is gone is left out, and one that calls itself for ever is ended', async (t) => {
  const setup = await setUp(t)
  const inner = await makeFlow(setup, [{ type: 'stop' }])
  const outer = await makeFlow(setup, [{ type: 'fetch_flow', option: { flow_id: inner.id } }, say('cancel')])
  await setup.api('DELETE', `/flows/${inner.id}`)
  const { status, ran } = await ring(setup, outer.direct_uri)
  t.is(status, 487)
  t.regex(results(ran, 'fetch_flow')[0]!, /no flow/)
  await setup.api('PUT', `/flows/${outer.id}`, { actions: [{ type: 'fetch_flow', option: { flow_id: outer.id } }] })
  // Not 503: Kamailio would ask the next Asterisk, which would do all of it again.
  t.is((await ring(setup, outer.direct_uri)).status, 500)
  t.regex((await latestCall(setup.api, hasEnded)).hangup_reason, /failed/)
})
