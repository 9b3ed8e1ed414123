import test, { type ExecutionContext } from 'ava'
import { ensureModels } from '../../src/stack/models.ts'
import { listener, type Asked } from '../actions/support.ts'
import { activeflow } from '../support/flows.ts'
import { setUp, type Setup } from '../support/setup.ts'
import { Speaker } from '../support/speaker.ts'
import { aicall, closeReader, hearsSaid, makeAi, messages, told } from './support.ts'

test.before(() => ensureModels(() => undefined))
test.after.always(closeReader)

const greeting = 'Welcome to the flower shop. How can I help you?'
const hours = 'We are open from nine to five on every day of the week.'

type Message = { role: string; content: string }

/** A server with a model that answers what `reply` makes of the last message, and what it was asked. */
async function model(t: ExecutionContext, reply: (last: Message, all: Message[]) => object) {
  return listener(t, ({ body }: Asked, response) => {
    const { messages: all } = JSON.parse(body) as { messages: Message[] }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(`data: ${JSON.stringify({ choices: [{ delta: reply(all.at(-1)!, all) }] })}\n\ndata: [DONE]\n\n`)
  })
}

const florist = (setup: Setup, engine_url: string, more: object = {}) =>
  makeAi(setup, {
    ...{ engine_type: 'pipeline', engine_model: 'custom.florist', engine_url, engine_key: 'sk-florist', greeting },
    init_prompt: 'You talk with ${hashdial.call.source.target}.',
    ...more,
  })

test.serial('a model is asked with its key, its prompt and its tools, and what it calls is done', async (t) => {
  const setup = await setUp(t)
  const { url, asked } = await model(t, (last) => {
    if (last.role === 'tool') return { content: 'I have noted that. Goodbye.' }
    const name = { index: 0, id: 'c1', function: { name: 'set_variables', arguments: '{"flower":"rose"}' } }
    return { content: 'Just a moment, please.', tool_calls: [name] }
  })
  const ai = await florist(setup, url, { tool_names: ['set_variables'], variable_names: ['flower'] })
  const caller = await Speaker.call(t, setup, ai.direct_uri)
  t.true(await hearsSaid(caller, greeting), await told(setup))
  const since = performance.now()
  await caller.say('I would like to have a rose, please.')
  t.true(await hearsSaid(caller, 'I have noted that. Goodbye.', since), await told(setup))
  await caller.hangup()
  t.is((await activeflow(setup)).variables.flower, 'rose')
  const first = asked.find(({ body }) => !body.includes('"tool_call_id"'))!
  t.is(first.headers.authorization, 'Bearer sk-florist')
  const { messages: given, tools } = JSON.parse(first.body) as { messages: Message[]; tools: { function: object }[] }
  t.regex(given[0]!.content, /^You talk with \S+\.$/)
  t.deepEqual(
    given.slice(1).map(({ role }) => role),
    ['assistant', 'user'],
  )
  t.is(tools.length, 1)
  const said = await messages(setup, await aicall(setup))
  t.deepEqual(
    said.map(({ role }) => role),
    ['assistant', 'user', 'assistant', 'tool', 'assistant'],
  )
  const shown = await setup.api('GET', `/ais/${ai.id}`)
  t.false(JSON.stringify(shown.body).includes('sk-florist'))
})

test.serial('when a provider fails the next AI goes on, and without one the conversation ends politely', async (t) => {
  const setup = await setUp(t)
  const { url } = await listener(t, (_, response) => response.writeHead(500).end())
  const other = await makeAi(setup, { tts_voice_id: 'rms', parameter: { rules: [{ when: ['open'], say: hours }] } })
  const ai = await florist(setup, url, { fallback_ai_ids: [other.id] })
  const caller = await Speaker.call(t, setup, ai.direct_uri)
  t.true(await hearsSaid(caller, greeting), await told(setup))
  let since = performance.now()
  await caller.say('When are you open, please?')
  t.true(await hearsSaid(caller, hours, since), await told(setup))
  t.is((await aicall(setup)).ai_id, other.id)
  await caller.hangup()

  const alone = await florist(setup, url)
  const second = await Speaker.call(t, setup, alone.direct_uri)
  t.true(await hearsSaid(second, greeting), await told(setup))
  since = performance.now()
  await second.say('When are you open, please?')
  t.true(await hearsSaid(second, 'I am sorry, something went wrong here. Goodbye.', since), await told(setup))
  t.is((await aicall(setup, ({ status }) => status === 'terminated')).end_reason, 'failed')
})

test.serial('a model cannot be talked into anything that the AI may not do', async (t) => {
  const setup = await setUp(t)
  const calls = [
    { index: 0, id: 'c1', function: { name: 'connect_call', arguments: '{"name":"+19005550100"}' } },
    { index: 1, id: 'c2', function: { name: 'transfer', arguments: '{"to":"+19005550100"}' } },
    { index: 2, id: 'c3', function: { name: 'connect_call', arguments: '{"name":' } },
  ]
  const { url } = await model(t, (last) =>
    last.role === 'tool' ? { content: 'I may not do that.' } : { tool_calls: calls },
  )
  const extension = await setup.extension()
  const ai = await florist(setup, url, {
    destinations: [{ name: 'desk', type: 'extension', target_name: extension.username }],
    tool_names: ['connect_call'],
  })
  const caller = await Speaker.call(t, setup, ai.direct_uri)
  t.true(await hearsSaid(caller, greeting), await told(setup))
  const since = performance.now()
  await caller.say('Transfer me to this number, please.')
  t.true(await hearsSaid(caller, 'I may not do that.', since), await told(setup))
  const refused = (await messages(setup, await aicall(setup))).filter(({ role }) => role === 'tool')
  t.is(refused.length, 3)
  t.true(
    refused.every(({ content }) => content.startsWith('This was not done')),
    JSON.stringify(refused),
  )
  t.is((await setup.api<{ result: object[] }>('GET', '/calls')).body.result.length, 1)
})

test.serial('a budget that is used up is told to the flow, which goes on', async (t) => {
  const setup = await setUp(t)
  const budget = { concurrent_calls: 1 }
  const ai = await makeAi(setup, { greeting, parameter: { rules: [] }, budget })
  const first = await Speaker.call(t, setup, ai.direct_uri)
  t.true(await hearsSaid(first, greeting), await told(setup))
  const second = await Speaker.callFlow(t, setup, [
    ['ai_talk', { ai_id: ai.id }],
    ['talk', { text: 'All of our lines are busy at the moment.' }],
  ])
  t.true(await hearsSaid(second, 'All of our lines are busy at the moment.'), await told(setup))
  t.is((await setup.api<{ result: object[] }>('GET', '/aicalls')).body.result.length, 1)
})
