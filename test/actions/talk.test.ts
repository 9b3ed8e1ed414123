import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { leavesNothing } from '../calls/support.ts'
import { activeflow, callFlow, results, runs } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import type { Softphone } from '../support/softphone.ts'
import { loudness } from '../support/tone.ts'

const long = 'This is a very long sentence, which goes on and on, and on, and never seems to come to its end. '.repeat(
  4,
)

/** Something is said. */
const hearsSpeech = (caller: Softphone): Promise<boolean> => becomesTrue(8_000, () => loudness(caller.heard(0.5)) > 300)

test('a text is said to the caller, who is answered for it', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['talk', { text: 'Welcome to ${company}', language: 'en-US' }]])
  t.true(await hearsSpeech(caller))
  await caller.closed()
  t.deepEqual(results(await activeflow(setup), 'talk'), ['done'])
})

test('a key ends it where digits_handle says so, and counts', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [
    ['talk', { text: long, digits_handle: 'next' }],
    ['digits_receive', { length: 1, duration: 5_000 }],
  ])
  t.true(await hearsSpeech(caller))
  await caller.press('3')
  await caller.closed()
  t.is((await activeflow(setup)).variables['hashdial.call.digits'], '3')
})

test('with async the flow goes on while it is said', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [
    ['talk', { text: long, async: true }],
    ['sleep', { duration: 4_000 }],
  ])
  await activeflow(setup, runs('sleep'))
  t.true(await hearsSpeech(caller))
  await caller.closed()
})

test('a provider and a voice that do not exist are told, and the flow goes on', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [
    ['talk', { text: 'x', provider: 'nobody' }],
    ['talk', { text: 'x', voice_id: 'nobody' }],
  ])
  await caller.closed()
  const [provider, voice] = results(await activeflow(setup), 'talk')
  t.regex(provider!, /no tts provider named "nobody"/)
  t.regex(voice!, /flite has the voices/)
})

test('a caller who hangs up in the middle of it leaves nothing', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['talk', { text: long }]])
  await activeflow(setup, runs('talk'))
  await caller.hangup()
  const ended = await activeflow(setup)
  t.deepEqual(results(ended, 'talk'), ['hangup'])
  t.true(await leavesNothing(setup.stack, ended.id))
})
