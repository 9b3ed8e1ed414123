import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { ensureModels } from '../../src/stack/models.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { leavesNothing } from '../calls/support.ts'
import { activeflow, results, runs } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { Speaker, transcribesOf, transcriptsOf, wordsOf } from '../support/speaker.ts'
import { makeFlow } from './support.ts'

test.before(() => ensureModels(() => undefined))

test('what the caller says and what he hears are told apart, until it is stopped', async (t) => {
  const setup = await setUp(t)
  const caller = await Speaker.callFlow(t, setup, [
    ['transcribe_start', { language: 'en-US' }],
    ['talk', { text: 'Please enter your account number.', voice_id: 'rms' }],
    ['sleep', { duration: 4_000 }],
    ['transcribe_stop'],
    ['sleep', { duration: 60_000 }],
  ])
  await activeflow(setup, runs('sleep'))
  const begun = (await transcribesOf(setup))[0]!
  t.deepEqual([begun.status, begun.provider], ['progressing', 'moonshine'])
  await caller.say('The office is open from nine to five.')
  const stopped = await activeflow(setup, ({ executed_actions }) => executed_actions.length === 5)
  t.is((await transcribesOf(setup))[0]!.status, 'done')
  const said = await transcriptsOf(setup, begun.id)
  const [told, heard] = [wordsOf(said, 'in'), wordsOf(said, 'out')]
  t.regex(heard, /account number/)
  t.regex(told, /office is open/)
  t.notRegex(heard, /office/)
  t.notRegex(told, /account/)
  t.deepEqual([said[0]!.direction, said.at(-1)!.direction], ['out', 'in'])
  t.true(said.at(-1)!.offset_ms < 8_000)
  // A snoop channel ends with the next sound of the channel that it listened to (asterisk issue 978).
  await caller.say('Thank you, goodbye.')
  t.true(await leavesNothing(setup.stack, stopped.id))
  t.is((await transcriptsOf(setup, begun.id)).length, said.length)
  const log = readFileSync(join(setup.stack.folder, 'hashdial.log'), 'utf8')
  t.false(/office is open|account number/i.test(log), 'what was said is not logged')
  await caller.hangup()
})

test('it ends with the call, with what was said last, and a flow follows it', async (t) => {
  const setup = await setUp(t)
  const after = await makeFlow(setup, [{ type: 'variable_set', option: { key: 'after', value: 'yes' } }])
  const caller = await Speaker.callFlow(t, setup, [
    ['transcribe_start', { direction: 'in', on_end_flow_id: after.id }],
    ['sleep', { duration: 60_000 }],
  ])
  await activeflow(setup, runs('sleep'))
  await caller.say('Thank you, goodbye.')
  await caller.hangup()
  t.true(await becomesTrue(10_000, async () => (await transcribesOf(setup))[0]?.status === 'done'))
  const { id } = (await transcribesOf(setup))[0]!
  const said = await transcriptsOf(setup, id)
  t.regex(wordsOf(said, 'in'), /thank you|goodbye/)
  const followed = await activeflow(setup, ({ variables, status }) => variables.after === 'yes' && status === 'ended')
  t.is(followed.variables['hashdial.transcribe.id'], id)
  const { body } = await setup.api<{ result: { id: string; status: string }[] }>('GET', '/activeflows')
  t.deepEqual(
    body.result.map(({ status }) => status),
    ['ended', 'ended'],
  )
  t.true(await leavesNothing(setup.stack, body.result[1]!.id))
})

test('what cannot be transcribed is told, and so is that it is being done already; the flow goes on', async (t) => {
  const setup = await setUp(t)
  const caller = await Speaker.callFlow(t, setup, [
    ['transcribe_stop'],
    ['transcribe_start', { provider: 'openai' }],
    ['transcribe_start', { provider: 'nobody' }],
    ['transcribe_start', { language: 'de-DE' }],
    ['transcribe_start', { direction: 'out' }],
    ['transcribe_start'],
    ['transcribe_stop'],
    ['transcribe_start', { direction: 'in' }],
    ['sleep', { duration: 60_000 }],
  ])
  const ran = await activeflow(setup, runs('sleep'))
  const [noServer, unknown, language, ...rest] = results(ran, 'transcribe_start')
  t.regex(noServer!, /no OpenAI-compatible speech server is configured/)
  t.regex(unknown!, /use one of moonshine, openai/)
  t.regex(language!, /English only/)
  t.deepEqual(rest, ['done', 'the call is being transcribed already: use transcribe_stop first', 'done'])
  t.deepEqual(results(ran, 'transcribe_stop'), ['done', 'done'])
  const [running, ended] = await transcribesOf(setup)
  t.deepEqual([running!.status, ended!.status], ['progressing', 'done'])
  t.is((await setup.api('DELETE', `/transcribes/${running!.id}`)).status, 200)
  await caller.say('Thank you, goodbye.')
  t.true(await leavesNothing(setup.stack, ran.id))
  t.is((await transcribesOf(setup)).length, 1)
  await caller.hangup()
})
