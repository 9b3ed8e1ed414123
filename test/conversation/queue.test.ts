import test from 'ava'
import { ensureModels } from '../../src/stack/models.ts'
import { setUp } from '../support/setup.ts'
import { Speaker } from '../support/speaker.ts'
import { aicall, closeReader, hearsSaid, makeAi, messages, told } from './support.ts'

test.before(() => ensureModels(() => undefined))
test.after.always(closeReader)

test.serial('a caller whom nobody in the queue takes comes back to the AI, which knows them', async (t) => {
  const setup = await setUp(t)
  const { body: queue } = await setup.api<{ id: string }>('POST', '/queues', { wait_timeout: 2_000 })
  const greeting = 'Welcome to the flower shop. How can I help you?'
  const sorry = 'Nobody is free at the moment, I am sorry.'
  const ai = await makeAi(setup, {
    greeting,
    destinations: [{ name: 'support', type: 'queue', target: queue.id }],
    tool_names: ['queue_join'],
    parameter: {
      rules: [{ when: ['person'], say: 'Please wait.', tool: { name: 'queue_join', arguments: { name: 'support' } } }],
      after: { queue_join: sorry },
    },
  })
  const caller = await Speaker.call(t, setup, ai.direct_uri)
  t.true(await hearsSaid(caller, greeting), await told(setup))
  const since = performance.now()
  await caller.say('I would like to speak to a person, please.')
  t.true(await hearsSaid(caller, sorry, since), await told(setup))
  const { body: calls } = await setup.api<{ result: { end_reason: string }[] }>('GET', '/aicalls')
  t.deepEqual(
    calls.result.map(({ end_reason }) => end_reason),
    ['', 'handed_over'],
  )
  const { body: waited } = await setup.api<{ result: { end_reason: string }[] }>('GET', '/queuecalls')
  t.deepEqual(
    waited.result.map(({ end_reason }) => end_reason),
    ['timeout'],
  )
  t.is((await messages(setup, await aicall(setup))).at(-1)?.content, sorry)
})
