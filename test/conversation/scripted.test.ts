import test from 'ava'
import { demoAi, demoSales, demoTeam } from '../../src/stack/demo-ai.ts'
import { ensureModels } from '../../src/stack/models.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { becomes } from '../conferences/support.ts'
import { setUp } from '../support/setup.ts'
import { Speaker } from '../support/speaker.ts'
import { activeflow } from '../support/flows.ts'
import { aicall, closeReader, hearsSaid, makeAi, messages, text, told, type AiView } from './support.ts'

test.before(() => ensureModels(() => undefined))
test.after.always(closeReader)

const greeting = 'Welcome to the flower shop. How can I help you?'
const hours = 'We are open from nine to five on every day of the week.'
const story =
  'Once upon a time there was a gardener who had a rose that never faded, and everybody in the village wondered why. ' +
  'The gardener told nobody, but watered it each morning, and sang a song while the sun came over the hills.'
const rules = [
  { when: ['open', 'opening', 'hours'], say: hours },
  { when: ['story'], say: story },
  { when: ['pressed 42'], say: 'Your table is reserved for tomorrow evening.' },
  { when: ['goodbye', 'bye'], say: 'Thank you for your call.', tool: { name: 'stop_service' } },
]
const shop = { greeting, parameter: { rules }, tool_names: ['stop_service'] }

test.serial('a caller asks an AI, hears the answer, says goodbye, and the flow goes on', async (t) => {
  const setup = await setUp(t)
  const ai = await makeAi(setup, shop)
  const after = 'The flow goes on after the conversation.'
  const caller = await Speaker.callFlow(t, setup, [
    ['ai_talk', { ai_id: ai.id }],
    ['talk', { text: after }],
  ])
  t.true(await hearsSaid(caller, greeting), await told(setup))
  let since = performance.now()
  await caller.say('When are you open, please?')
  t.true(await hearsSaid(caller, hours, since), await told(setup))
  since = performance.now()
  await caller.say('Goodbye.')
  t.true(await hearsSaid(caller, after, since), await told(setup))
  const ended = await aicall(setup, ({ status }) => status === 'terminated')
  t.is(ended.end_reason, 'stopped')
  const said = await messages(setup, ended)
  const roles = said.map(({ role }) => role)
  t.deepEqual(roles, ['assistant', 'user', 'assistant', 'user', 'assistant', 'tool'])
  t.is(said[2]!.content, hours)
  t.log(JSON.stringify(said[2]!.timing))
  const steps = ['transcript_ms', 'turn_ms', 'first_token_ms', 'first_audio_ms'].map((step) => said[2]!.timing[step])
  t.true(
    steps.every((step) => step !== undefined && step < 5_000),
    JSON.stringify(said[2]!.timing),
  )
})

test.serial('who interrupts is listened to, and of the AI only what was heard is kept', async (t) => {
  const setup = await setUp(t)
  const ai = await makeAi(setup, { ...shop, greeting: '' })
  const caller = await Speaker.call(t, setup, ai.direct_uri)
  await caller.say('Tell me a story, please.')
  t.true(await becomesTrue(10_000, () => caller.heard().samples.length > 3 * 8_000))
  const since = performance.now()
  await caller.say('Stop it, when are you open?')
  t.true(await hearsSaid(caller, hours, since), await told(setup))
  const said = await messages(setup, await aicall(setup))
  const interrupted = said.find((one) => one.interrupted)
  t.true(interrupted !== undefined && story.startsWith(interrupted.content.slice(0, 20)), JSON.stringify(said))
  t.true(interrupted!.content.length < story.length * 0.8, interrupted!.content)
})

test.serial('who only shows that they listen interrupts nobody, and misses nothing', async (t) => {
  const setup = await setUp(t)
  const ai = await makeAi(setup, { ...shop, greeting: '' })
  const caller = await Speaker.call(t, setup, ai.direct_uri)
  await caller.say('Tell me a story, please.')
  t.true(await becomesTrue(10_000, () => caller.heard().samples.length > 3 * 8_000))
  await caller.say('Yeah.')
  t.true(await hearsSaid(caller, story, 0, 40_000), await told(setup))
  const all = await becomes<{ result: { role: string; content: string; interrupted: boolean }[] }>(
    setup,
    `/aimessages?aicall_id=${(await aicall(setup)).id}`,
    ({ result }) => result.length === 2,
  )
  t.deepEqual(all.result[0], { ...all.result[0]!, role: 'assistant', content: story, interrupted: false })
  const events = await setup.api<{ result: { type: string }[] }>('GET', '/events?type=ai_false_interruption')
  t.is(events.body.result.length, 1)
})

test.serial('keys are said together, and kept as stars where they are sensitive', async (t) => {
  const setup = await setUp(t)
  const ai = await makeAi(setup, { ...shop, sensitive: true })
  const caller = await setup.stranger()
  await caller.dial(ai.direct_uri)
  await caller.established()
  await caller.press('42')
  const reserved = ({ result }: { result: { content: string }[] }) =>
    result.some(({ content }) => /table/.test(content))
  const path = `/aimessages?aicall_id=${(await aicall(setup)).id}`
  const { result } = await becomes<{ result: { role: string; content: string }[] }>(setup, path, reserved)
  t.deepEqual(
    result.filter(({ role }) => role === 'user').map(({ content }) => content),
    ['[pressed keys]'],
  )
})

test.serial('a caller who says nothing is asked, and then let go', async (t) => {
  const setup = await setUp(t)
  const silence_prompts = ['Is anybody there?']
  const ai = await makeAi(setup, { ...shop, silence_prompts, vad_config: { silence: 2_000 } })
  const caller = await setup.stranger()
  await caller.dial(ai.direct_uri)
  await caller.established()
  await caller.closed(30_000)
  const ended = await aicall(setup, ({ status }) => status === 'terminated')
  t.is(ended.end_reason, 'silence')
  t.deepEqual(
    (await messages(setup, ended)).map(({ content }) => content),
    [greeting, silence_prompts[0]!],
  )
  t.is((await activeflow(setup)).variables['hashdial.aicall.status'], 'silence')
})

test.serial(
  'the team of the demo: sales has another voice, and a human accepts by a key when they know what it is about',
  async (t) => {
    const setup = await setUp(t)
    const extension = await setup.extension()
    const device = await setup.phone(extension, { tone: 1330 })
    const reception = await makeAi(setup, demoAi(extension.username))
    const sales = await makeAi(setup, demoSales(extension.username))
    const { body: team } = await setup.api<AiView>('POST', '/teams', demoTeam(reception.id, sales.id))
    const caller = await Speaker.call(t, setup, team.direct_uri)
    t.true(await hearsSaid(caller, demoAi('').greeting), await told(setup))
    let since = performance.now()
    await caller.say('I want to talk to sales.')
    t.true(await hearsSaid(caller, demoSales('').parameter.on_enter, since), await told(setup))
    t.is((await aicall(setup)).ai_id, sales.id)
    since = performance.now()
    await caller.say('Give me a human.', 'kal16')
    await device.rings(30_000)
    await device.reject()
    t.true(await hearsSaid(caller, 'I am sorry, nobody took the call.', since), await told(setup))
    await device.closed()
    since = performance.now()
    await caller.say('Give me a human.', 'kal16')
    await device.rings(30_000)
    await device.answer()
    await device.established()
    t.true(await becomesTrue(20_000, async () => /to take the call/i.test(await text(device.heard(20)))))
    await device.press('1')
    t.true(await becomesTrue(10_000, () => caller.hearsTone(1330, since)))
    await device.hangup()
    const ended = await aicall(setup, ({ status }) => status === 'terminated')
    t.is(ended.end_reason, 'handed_over')
    const roles = (await messages(setup, ended)).map(({ role }) => role)
    t.true(roles.includes('notification') && roles.includes('tool'), roles.join())
    const events = await setup.api<{ result: object[] }>('GET', '/events?type=ai_member_switched')
    t.is(events.body.result.length, 1)
  },
)
