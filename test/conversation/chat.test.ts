import type { ServerResponse } from 'node:http'
import test, { type ExecutionContext } from 'ava'
import { Chat } from '../../src/conversation/chat.ts'
import type { LlmPiece, LlmRequest, Said } from '../../src/conversation/llm.ts'
import type { AiRow } from '../../src/conversation/row.ts'
import { Web } from '../../src/web.ts'
import { listener, type Asked } from '../actions/support.ts'

const never = () => new AbortController().signal
const said: Said[] = [{ role: 'user', content: 'When are you open?' }]

function request(url: string, more: Partial<LlmRequest> = {}): LlmRequest {
  const ai = {
    engine_model: 'custom.a-model',
    engine_url: `${url}/v1/`,
    parameter: { temperature: 0.2 },
  } as unknown as AiRow
  return { ai, key: 'sk-secret', prompt: 'You are a florist.', said, tools: [], signal: never(), ...more }
}

/** A server that sends these chunks, each as an event. */
function server(t: ExecutionContext, ...chunks: unknown[]) {
  return listener(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const chunk of chunks) response.write(event(chunk))
    response.end('data: [DONE]\n\n')
  })
}

const event = (chunk: unknown) => `data: ${JSON.stringify(chunk)}\n\n`
const delta = (value: object | null) => ({ choices: [{ delta: value }] })
const call = (index: number, id: string | undefined, name: string | undefined, given: unknown) => ({
  tool_calls: [{ index, ...(id !== undefined && { id }), function: { name, arguments: given } }],
})

async function answer(web: LlmRequest, timeout?: number): Promise<LlmPiece[]> {
  const pieces: LlmPiece[] = []
  for await (const piece of new Chat(new Web(['127.0.0.1/32']), timeout).complete(web)) pieces.push(piece)
  return pieces
}

const refusal = { message: /^the model did not answer: / }

test('a model is asked as OpenAI documents it, and its text comes piece by piece', async (t) => {
  const { url, asked } = await server(
    t,
    delta({ role: 'assistant', content: '' }),
    delta({ content: 'From nine ' }),
    delta({ content: 'to five.' }),
  )
  const tools = [{ name: 'stop_service', description: 'End it.', parameters: { type: 'object', properties: {} } }]
  const calls = [{ id: 'c1', name: 'stop_media', arguments: '{}' }]
  const history: Said[] = [
    ...said,
    { role: 'assistant', content: '', tool_calls: calls },
    { role: 'tool', content: 'silent', tool_call_id: 'c1' },
  ]
  t.deepEqual(await answer(request(url, { tools, said: history })), [{ text: 'From nine ' }, { text: 'to five.' }])
  const [{ method, url: path, headers, body }] = asked as [Asked]
  t.is(`${method} ${path}`, 'POST /v1/chat/completions')
  t.is(headers.authorization, 'Bearer sk-secret')
  t.deepEqual(JSON.parse(body), {
    ...{ model: 'a-model', temperature: 0.2, stream: true },
    messages: [
      { role: 'system', content: 'You are a florist.' },
      { role: 'user', content: 'When are you open?' },
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'stop_media', arguments: '{}' } }],
      },
      { role: 'tool', content: 'silent', tool_call_id: 'c1' },
    ],
    tools: [{ type: 'function', function: tools[0] }],
  })
})

test('the arguments of a tool come in pieces', async (t) => {
  const { url } = await server(
    t,
    delta({ content: 'Please wait.' }),
    delta(call(0, 'a', 'connect_call', '{"na')),
    delta(call(0, undefined, undefined, 'me":"desk"}')),
    delta(call(1, 'b', 'send_digits', '{"digits":"1"}')),
    { choices: [], usage: { total_tokens: 5 } },
  )
  const [text, ...calls] = await answer(request(url))
  t.deepEqual(text, { text: 'Please wait.' })
  t.deepEqual(
    calls.map((piece) => 'call' in piece && [piece.call.id, piece.call.name, piece.call.arguments]),
    [
      ['a', 'connect_call', '{"name":"desk"}'],
      ['b', 'send_digits', '{"digits":"1"}'],
    ],
  )
})

test('calls that have all the index 0, an object for arguments, or no id are told apart', async (t) => {
  const { url } = await server(
    t,
    delta(call(0, 'a', 'one', '{}')),
    delta(call(0, 'b', 'two', { deep: true })),
    delta(null),
    delta(call(1, undefined, 'three', '')),
  )
  const calls = await answer(request(url))
  t.deepEqual(
    calls.map((piece) => 'call' in piece && [piece.call.name, piece.call.arguments]),
    [
      ['one', '{}'],
      ['two', '{"deep":true}'],
      ['three', ''],
    ],
  )
})

const faults: Record<string, (response: ServerResponse) => void> = {
  'refuses the key': (response) => response.writeHead(401).end('{"error":"Incorrect API key provided: sk-secret"}'),
  'has no time (429)': (response) => response.writeHead(429).end('slow down, sk-secret'),
  'sends no JSON': (response) => response.writeHead(200).end('data: {"choices": [\n\n'),
  'fails in the middle': (response) => {
    response.writeHead(200)
    response.end(event(delta({ content: 'Well' })) + event({ error: { message: 'sk-secret is over its quota' } }))
  },
  'hangs up in the middle': (response) => {
    response.writeHead(200)
    response.write(event(delta({ content: 'Well' })), () => response.destroy())
  },
  'says nothing at all': () => undefined,
  redirects: (response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(),
}

for (const [what, fault] of Object.entries(faults))
  test(`of a server that ${what} is told so, without the key and without its words`, async (t) => {
    const { url } = await listener(t, (_, response) => fault(response))
    const error = await t.throwsAsync(answer(request(url), 500), refusal)
    t.false(/sk-secret|slow down|quota/.test(`${error?.message}${error?.stack}`), error?.message)
  })

test('who does not read on lets the server go', async (t) => {
  let gone: () => void = () => undefined
  const closed = new Promise<void>((resolve) => (gone = resolve))
  const { url } = await listener(t, (_, response) => {
    response.on('close', gone)
    response.writeHead(200)
    response.write(event(delta({ content: 'Once upon a time' })))
  })
  for await (const piece of new Chat(new Web(['127.0.0.1/32'])).complete(request(url))) {
    t.deepEqual(piece, { text: 'Once upon a time' })
    break
  }
  await closed
  t.pass()
})

test('a model on a private network is out of reach, unless the operator allows it', async (t) => {
  const { url, asked } = await server(t, delta({ content: 'Hello' }))
  const pieces = new Chat(new Web()).complete(request(url))
  await t.throwsAsync(pieces.next(), { message: /HASHDIAL_FETCH_PRIVATE/ })
  t.is(asked.length, 0)
})
