import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { setUp, type Setup } from '../support/setup.ts'

interface Refusal {
  error: { reason: string; message: string; details?: { field: string; problem: string }[] }
}

interface AiView {
  id: string
  direct_uri: string
  has_engine_key: boolean
  vad_config: object
}

const rules = { rules: [{ when: ['hello'], say: 'Hello.' }] }
const scripted = { engine_type: 'scripted', parameter: rules }

/** Which fields are told of when this is not taken. */
async function refused(t: ExecutionContext, setup: Setup, path: string, body: object): Promise<string[]> {
  const answer = await setup.api<Refusal>('POST', path, body)
  t.is(answer.status, 400, JSON.stringify(answer.body))
  return (answer.body.error.details ?? []).map(({ field }) => field)
}

test('an AI has an address on request, and its key is kept encrypted and never shown', async (t) => {
  const setup = await setUp(t)
  const made = await setup.api<AiView>('POST', '/ais', { ...scripted, engine_key: 'sk-very-secret' })
  t.is(made.status, 201)
  t.is(made.body.direct_uri, '')
  t.true(made.body.has_engine_key)
  t.false(JSON.stringify(made.body).includes('sk-very-secret'))
  const path = `/ais/${made.body.id}`
  t.regex(
    (await setup.api<AiView>('POST', `${path}/direct-hash-regenerate`)).body.direct_uri,
    /^sip:direct\.[0-9a-f]{12}@/,
  )
  t.false((await setup.api<AiView>('PUT', path, { engine_key: '' })).body.has_engine_key)
  t.true((await setup.api<AiView>('PUT', path, { engine_key: 'sk-another' })).body.has_engine_key)
  const told = await setup.api('GET', `/events?resource_id=${made.body.id}`)
  t.false(/sk-very-secret|sk-another/.test(JSON.stringify(told.body)))
})

test('what an AI cannot work with is refused when it is saved, each field by its name', async (t) => {
  const setup = await setUp(t)
  t.deepEqual(await refused(t, setup, '/ais', { engine_type: 'pipeline' }), ['engine_model'])
  t.deepEqual(await refused(t, setup, '/ais', { engine_model: 'nobody.gpt' }), ['engine_model'])
  t.deepEqual(await refused(t, setup, '/ais', { engine_model: 'custom.gpt' }), ['engine_url'])
  t.deepEqual(
    await refused(t, setup, '/ais', { engine_model: 'openai.gpt', parameter: { temperature: 9, model: 'x' } }),
    ['parameter.temperature', 'parameter.model'],
  )
  t.deepEqual(await refused(t, setup, '/ais', { ...scripted, parameter: { rules: [{ say: 'Hello' }] } }), [
    'parameter.rules.0.when',
  ])
  t.deepEqual(await refused(t, setup, '/ais', { ...scripted, tts_voice_id: 'nobody', stt_type: 'nothing' }), [
    'tts_voice_id',
    'stt_type',
  ])
  t.deepEqual(await refused(t, setup, '/ais', { ...scripted, tool_names: ['connect_call', 'set_variables'] }), [
    'tool_names.0',
    'tool_names.1',
  ])
  const destinations = [{ name: 'support', type: 'queue', target: randomUUID() }]
  t.deepEqual(await refused(t, setup, '/ais', { ...scripted, destinations }), ['destinations.0.target'])
  const nobody = [{ name: 'desk', type: 'extension', target_name: 'nobody' }]
  t.deepEqual(await refused(t, setup, '/ais', { ...scripted, destinations: nobody }), ['destinations.0.target_name'])
  t.deepEqual(await refused(t, setup, '/ais', { ...scripted, fallback_ai_ids: [randomUUID()] }), ['fallback_ai_ids.0'])
  t.deepEqual(await refused(t, setup, '/ais', { ...scripted, tool_names: ['fly'] }), ['tool_names.0'])
})

test('a change that makes an AI useless is refused, and nothing is changed', async (t) => {
  const setup = await setUp(t)
  const { body: ai } = await setup.api<AiView>('POST', '/ais', scripted)
  t.is((await setup.api('PUT', `/ais/${ai.id}`, { engine_type: 'pipeline' })).status, 400)
  t.deepEqual((await setup.api('GET', `/ais/${ai.id}`)).body, ai)
})

test('a team has an address, and is refused where its members and transitions do not fit', async (t) => {
  const setup = await setUp(t)
  const { body: ai } = await setup.api<AiView>('POST', '/ais', scripted)
  const [one, other] = [randomUUID(), randomUUID()]
  const transition = { function_name: 'to_other', next_member_id: other }
  const members = [
    { id: one, ai_id: ai.id, transitions: [transition] },
    { id: other, ai_id: ai.id },
  ]
  const team = await setup.api<AiView>('POST', '/teams', { start_member_id: one, members })
  t.is(team.status, 201)
  t.regex(team.body.direct_uri, /^sip:direct\.[0-9a-f]{12}@/)
  const wrong = [
    { id: one, ai_id: ai.id, transitions: [{ ...transition, next_member_id: randomUUID() }, transition] },
    { id: one, ai_id: randomUUID(), transitions: [{ ...transition, function_name: 'stop_flow' }] },
  ]
  t.deepEqual(await refused(t, setup, '/teams', { start_member_id: other, members: [members[0], wrong[1]] }), [
    'members.1.ai_id',
  ])
  t.deepEqual(
    await refused(t, setup, '/teams', { start_member_id: other, members: [wrong[0], { ...wrong[1], ai_id: ai.id }] }),
    [
      'start_member_id',
      'members.0.transitions.0.next_member_id',
      'members.0.transitions.1.function_name',
      'members.0.transitions.1.next_member_id',
      'members.1.id',
      'members.1.transitions.0.function_name',
      'members.1.transitions.0.next_member_id',
    ],
  )
})

test('a flow that talks with an AI of nobody is refused when it is saved', async (t) => {
  const setup = await setUp(t)
  const actions = [{ type: 'ai_talk', option: { ai_id: randomUUID() } }]
  t.deepEqual(await refused(t, setup, '/flows', { actions }), ['actions[0].option.ai_id'])
})

test('the headers of a tool are kept encrypted and never shown, and a schema that nobody can check is refused', async (t) => {
  const setup = await setUp(t)
  const tool = { type: 'http', name: 'find_order', url: 'https://shop.example.com/orders' }
  const tools = [{ ...tool, headers: { authorization: 'Bearer very-secret' } }]
  const { status, body } = await setup.api<{ id: string; tools: object[] }>('POST', '/ais', { ...scripted, tools })
  t.is(status, 201)
  const parameters = { type: 'object', properties: {} }
  const shown = { ...tool, description: '', parameters, method: 'POST', timeout: 5_000, filler: '' }
  t.deepEqual(body.tools, [{ ...shown, header_names: ['authorization'] }])
  const changed = await setup.api<{ tools: object[] }>('PUT', `/ais/${body.id}`, {
    tools: [{ ...tool, method: 'GET' }],
  })
  t.deepEqual(changed.body.tools, [{ ...shown, method: 'GET', header_names: [] }])
  const pattern = { type: 'object', properties: { order: { type: 'string', pattern: '(a+)+$' } } }
  t.deepEqual(await refused(t, setup, '/ais', { ...scripted, tools: [{ ...tool, parameters: pattern }] }), [
    'tools.0.parameters',
  ])
  t.deepEqual(await refused(t, setup, '/ais', { ...scripted, tools: [{ ...tool, name: 'stop_flow' }] }), [
    'tools.0.name',
  ])
})
