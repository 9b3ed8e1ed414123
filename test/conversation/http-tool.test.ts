import test from 'ava'
import { callHttpTool, parametersSchema, type HttpTool } from '../../src/conversation/http-tool.ts'
import { Web } from '../../src/web.ts'
import { listener } from '../actions/support.ts'

const parameters = {
  type: 'object',
  properties: { order: { type: 'string', maxLength: 10 }, count: { type: 'integer' } },
  required: ['order'],
  additionalProperties: false,
}
const local = new Web(['127.0.0.1/32'])
const never = () => new AbortController().signal

const tool = (url: string, more: Partial<HttpTool> = {}): HttpTool => ({
  ...{ type: 'http', name: 'find_order', description: '', parameters, method: 'POST', url, timeout: 500, filler: '' },
  ...{ header_names: [], sealed_headers: '', headers: { authorization: 'Bearer secret' } },
  ...more,
})

test('a server is asked with its headers, by a body or by the query', async (t) => {
  const { url, asked } = await listener(t, (_, response) => response.end('{"status":"sent"}'))
  const given = { order: 'a b', count: 2 }
  t.is(await callHttpTool(local, tool(url), given, never()), '{"status":"sent"}')
  t.is(await callHttpTool(local, tool(`${url}/find?x=1`, { method: 'GET' }), given, never()), '{"status":"sent"}')
  t.deepEqual(JSON.parse(asked[0]!.body), given)
  t.is(asked[0]!.headers.authorization, 'Bearer secret')
  t.is(asked[1]!.url, '/find?x=1&order=a+b&count=2')
})

test('arguments that do not fit are told to the model, and nobody is asked', async (t) => {
  const { url, asked } = await listener(t, (_, response) => response.end('ok'))
  for (const given of [{}, { order: 5 }, { order: 'far too long for it' }, { order: 'a', more: 1 }])
    t.regex(await callHttpTool(local, tool(url), given, never()), /^This was not done: the arguments are wrong: /)
  t.is(asked.length, 0)
})

test('a server that fails, redirects, is silent or private is told in words, and a long answer is cut', async (t) => {
  const { url } = await listener(t, ({ url: path }, response) => {
    if (path === '/fails') response.writeHead(500).end('secret words')
    else if (path === '/moved') response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
    else if (path === '/long') response.end('x'.repeat(20_000))
  })
  const order = { order: 'a' }
  t.is(await callHttpTool(local, tool(`${url}/fails`), order, never()), 'This was not done: the server answered 500.')
  t.is(await callHttpTool(local, tool(`${url}/moved`), order, never()), 'This was not done: the server answered 302.')
  t.is(
    await callHttpTool(local, tool(`${url}/silent`), order, never()),
    'This was not done: the server did not answer.',
  )
  t.is(await callHttpTool(new Web(), tool(url), order, never()), 'This was not done: the server did not answer.')
  t.is((await callHttpTool(local, tool(`${url}/long`), order, never())).length, 4_096)
})

test('of JSON Schema there is what models need, and no pattern', (t) => {
  t.is(parametersSchema.validate(parameters).error, undefined)
  const inner = (schema: object) => ({ type: 'object', properties: { inner: schema } })
  t.is(parametersSchema.validate(inner({ type: 'array', items: { type: 'object', properties: {} } })).error, undefined)
  for (const schema of [{ type: 'string', pattern: 'a' }, { type: 'thing' }, {}])
    t.true(parametersSchema.validate(inner(schema)).error !== undefined, JSON.stringify(schema))
  t.true(parametersSchema.validate({ type: 'string' }).error !== undefined)
})
