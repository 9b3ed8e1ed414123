import test from 'ava'
import { ensureModels } from '../../src/stack/models.ts'
import { startStack } from '../../src/stack/stack.ts'
import { leavesNothing } from '../calls/support.ts'
import { activeflow } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { Speaker } from '../support/speaker.ts'
import { aicall, closeReader, hearsSaid, makeAi, messages, told } from './support.ts'

/** A stack of this file's own, whose Hashdial is killed in the middle of a conversation. */
const stack = await startStack({
  name: 'fault-conversation',
  fresh: true,
  ports: { sip: 30060, api: 30080, asteriskSip: 30070, ari: 30088, mysql: 30316, rtpFrom: 30400, rtpTo: 30999 },
})
test.before(() => ensureModels(() => undefined))
test.after.always(async () => {
  await closeReader()
  await stack.stop()
})

const greeting = 'Welcome to the flower shop. How can I help you?'
const hours = 'We are open from nine to five on every day of the week.'

test.serial('after a crash the AI says sorry, and goes on with what was said', async (t) => {
  const setup = await setUp(t, stack)
  const ai = await makeAi(setup, { greeting, parameter: { rules: [{ when: ['open'], say: hours }] } })
  const caller = await Speaker.call(t, setup, ai.direct_uri)
  t.true(await hearsSaid(caller, greeting), await told(setup))
  let since = performance.now()
  await stack.part('hashdial').kill9()
  await stack.part('hashdial').start()
  t.true(await hearsSaid(caller, 'I am sorry, I lost you for a moment. Please go on.', since), await told(setup))
  since = performance.now()
  await caller.say('When are you open, please?')
  t.true(await hearsSaid(caller, hours, since), await told(setup))
  await caller.hangup()
  const ended = await aicall(setup, ({ status }) => status === 'terminated')
  t.is(ended.end_reason, 'hangup')
  const said = (await messages(setup, ended)).map(({ content }) => content)
  t.is(said[0], greeting)
  t.is(said.at(-1), hours)
  t.true(await leavesNothing(stack, (await activeflow(setup)).id))
})
