import test from 'ava'
import { ensureModels } from '../../src/stack/models.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { setUp, type Setup } from '../support/setup.ts'
import { RealtimeServer, type RealtimeOptions } from '../support/realtime.ts'
import { Speaker } from '../support/speaker.ts'
import { aicall, closeReader, hearsSaid, makeAi, messages, told, type AiView } from './support.ts'

test.before(() => ensureModels(() => undefined))
test.after.always(closeReader)

const hello = { text: 'Hello, this is the flower shop.', tone: 620, seconds: 1 }
const hours = {
  text: 'We are open from nine to five, every day of the week, and on Sundays too.',
  tone: 1110,
  seconds: 6,
}

const florist = (setup: Setup, server: RealtimeServer, more: object = {}): Promise<AiView> =>
  makeAi(setup, {
    ...{ engine_type: 'realtime', engine_model: 'custom.gpt-realtime', engine_url: server.url, engine_key: 'sk-live' },
    ...{ greeting: hello.text, init_prompt: 'You are a florist.', tts_voice_id: 'marin', stt_language: 'en-US' },
    parameter: { dialect: server.options.dialect, audio: server.options.audio },
    ...more,
  })

/** Waits until the caller has heard the greeting to its end. */
const isGreeted = async (caller: Speaker): Promise<boolean> =>
  (await becomesTrue(10_000, () => caller.hearsTone(hello.tone, 0))) && becomesTrue(10_000, () => caller.isQuiet)

const kinds: Pick<RealtimeOptions, 'dialect' | 'audio'>[] = [
  { dialect: 'ga', audio: 'pcmu' },
  { dialect: 'flat', audio: 'pcm24' },
]

for (const kind of kinds)
  test.serial(
    `${kind.dialect}, ${kind.audio}: a caller talks with a server, interrupts it, and is not taken at "yeah"`,
    async (t) => {
      const setup = await setUp(t)
      const hears = ['When are you open?', 'Yeah.', 'Stop it, when are you open?']
      const answer: RealtimeOptions['answer'] = ({ instructions }) =>
        instructions?.includes('exactly') ? hello : hours
      const server = await RealtimeServer.start(t, { ...kind, hears, answer })
      const ai = await florist(setup, server)
      const caller = await Speaker.call(t, setup, ai.direct_uri)
      t.true(await isGreeted(caller))
      let since = performance.now()
      await caller.say('When are you open, please?')
      t.true(await becomesTrue(10_000, () => caller.hearsTone(hours.tone, since)))
      since = performance.now()
      await caller.say('Yeah.')
      t.true(await becomesTrue(10_000, () => caller.hearsTone(hours.tone, since)))
      await becomesTrue(3_000, () => server.sent('conversation.item.delete').length === 1)
      t.is(server.sent('conversation.item.delete').length, 1, 'what was no turn is forgotten')
      since = performance.now()
      await caller.say('Stop it, when are you open?')
      t.true(await becomesTrue(10_000, () => server.sent('conversation.item.truncate').length === 1))
      t.true(await becomesTrue(10_000, () => caller.hearsTone(hours.tone, since + 3_000)))
      t.is(server.sent('response.create').length, 3)
      const [{ audio_end_ms: heard }] = server.sent('conversation.item.truncate') as [
        { type: string; audio_end_ms: number },
      ]
      t.true(heard > 1_000 && heard < hours.seconds * 1_000, String(heard))
      t.deepEqual(server.errors, [])
      t.is(server.requests[0]!.headers.authorization, 'Bearer sk-live')
      t.regex(server.requests[0]!.url!, /\?model=gpt-realtime$/)
      const session = JSON.stringify(server.sent('session.update')[0])
      for (const part of ['You are a florist.', 'marin', '"create_response":false', '"interrupt_response":false'])
        t.true(session.includes(part), session)
      const said = await messages(setup, await aicall(setup))
      t.deepEqual(
        said.map(({ role, interrupted }) => [role, interrupted]),
        [
          ['assistant', false],
          ['user', false],
          ['assistant', true],
          ['user', false],
        ],
        await told(setup),
      )
      t.is(said[1]!.content, 'When are you open?')
      t.true(
        said[2]!.content.length < hours.text.length && hours.text.startsWith(said[2]!.content.slice(0, 8)),
        said[2]!.content,
      )
    },
  )

test.serial('what a server calls is done, and it is told the result', async (t) => {
  const setup = await setUp(t)
  const answer: RealtimeOptions['answer'] = ({ instructions, items }) => {
    if (instructions?.includes('exactly')) return hello
    const isDone = items.some(({ type }) => type === 'function_call_output')
    if (isDone) return { text: 'I have noted that.', tone: 1330, seconds: 1 }
    return {
      text: 'Just a moment.',
      tone: 830,
      seconds: 0.5,
      call: { name: 'set_variables', arguments: '{"flower":"rose"}' },
    }
  }
  const server = await RealtimeServer.start(t, { ...kinds[0]!, hears: ['A rose, please.'], answer })
  const ai = await florist(setup, server, { tool_names: ['set_variables'], variable_names: ['flower'] })
  const caller = await Speaker.call(t, setup, ai.direct_uri)
  t.true(await isGreeted(caller))
  await caller.say('I would like to have a rose, please.')
  t.true(await becomesTrue(10_000, () => caller.hearsTone(1330, 0)), await told(setup))
  t.deepEqual(
    (await messages(setup, await aicall(setup))).map(({ role }) => role),
    ['assistant', 'user', 'assistant', 'tool'],
  )
})

test.serial('when the connection breaks in mid-sentence the next AI goes on, with what was said', async (t) => {
  const setup = await setUp(t)
  const answer: RealtimeOptions['answer'] = ({ instructions }) =>
    instructions?.includes('exactly') ? hello : { ...hours, breaks: true }
  const server = await RealtimeServer.start(t, { ...kinds[0]!, hears: ['When are you open?'], answer })
  const other = await makeAi(setup, {
    parameter: { rules: [{ when: ['open'], say: 'I can tell you, from nine to five on every day.' }] },
  })
  const ai = await florist(setup, server, { fallback_ai_ids: [other.id] })
  const caller = await Speaker.call(t, setup, ai.direct_uri)
  t.true(await isGreeted(caller))
  const since = performance.now()
  await caller.say('When are you open, please?')
  t.true(await hearsSaid(caller, 'I can tell you, from nine to five on every day.', since), await told(setup))
  t.is((await aicall(setup)).ai_id, other.id)
})

test.serial('a server that refuses the key lets the flow go on', async (t) => {
  const setup = await setUp(t)
  const ai = await makeAi(setup, {
    ...{ engine_type: 'realtime', engine_model: 'custom.gpt', engine_url: 'ws://127.0.0.1:1/', greeting: 'Hello.' },
  })
  const caller = await Speaker.callFlow(t, setup, [
    ['ai_talk', { ai_id: ai.id }],
    ['talk', { text: 'Nobody can talk with you at the moment.' }],
  ])
  t.true(await hearsSaid(caller, 'Nobody can talk with you at the moment.'), await told(setup))
  t.is((await aicall(setup)).end_reason, 'failed')
})
