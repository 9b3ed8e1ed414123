import test, { type ExecutionContext } from 'ava'
import { hasEnded, latestCall, leavesNothing } from '../calls/support.ts'
import { oneWord } from '../support/dtmf.ts'
import { activeflow, callFlow, flow, results, runs } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { soundFile } from '../support/sipp.ts'

const status = 'hashdial.call.amd_status'

test('who talks on and on is a machine, and the call ends', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['amd'], ['sleep', { duration: 60_000 }]])
  await caller.closed()
  t.is((await activeflow(setup)).variables[status], 'machine')
  t.is((await latestCall(setup.api, hasEnded)).hangup_reason, 'amd')
})

test('with continue the flow goes on, and with async meanwhile', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [
    ['amd', { machine_handle: 'continue', async: true }],
    ['sleep', { duration: 8_000 }],
  ])
  await activeflow(setup, runs('sleep'))
  await caller.closed()
  const ended = await activeflow(setup)
  t.is(ended.variables[status], 'machine')
  t.true(await leavesNothing(setup.stack, ended.id))
})

test('who says a word and waits is a person', async (t) => {
  const setup = await setUp(t)
  const uri = await flow(setup, [['amd'], ['sleep', { duration: 500 }]])
  const sipp = await setup.sipp({
    scenario: 'uac-sound',
    target: setup.edge,
    keys: { uri, sound: word(t, setup.stack.folder) },
  })
  t.is((await sipp.result()).code, 0)
  const { variables } = await activeflow(setup)
  t.is(variables[status], 'human', variables['hashdial.call.amd_cause'])
})

test('a caller who hangs up in the middle of it leaves nothing', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['amd']])
  await activeflow(setup, runs('amd'))
  await caller.hangup()
  const ended = await activeflow(setup)
  t.deepEqual(results(ended, 'amd'), ['hangup'])
  t.true(await leavesNothing(setup.stack, ended.id))
})

function word(t: ExecutionContext, folder: string): string {
  return soundFile(t, folder, oneWord(1_000, 4_000))
}
