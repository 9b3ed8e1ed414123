import { brotliCompressSync, gzipSync } from 'node:zlib'
import test from 'ava'
import { adminKey, useApi } from './support.ts'

const api = useApi(test)
const json = { 'content-type': 'application/json' }

async function refused(raw: string | Buffer, headers: Record<string, string> = json) {
  const { key } = await api().customer()
  const answer = await api().ask(key, 'POST', '/v1.0/extensions', { raw, headers })
  const { body } = await api().get(key, '/v1.0/extensions')
  return { ...answer, stored: body.result.length as number }
}

test('a body that is not JSON is told from one that is wrong', async (t) => {
  for (const raw of [
    '{"a":',
    'hello',
    '{a:1}',
    "{'a':1}",
    '{"a":1}{"b":2}',
    '{"username":"a\u0000b"}',
    '\ufeff{}x',
    ' ',
  ]) {
    const { status, body, stored } = await refused(raw)
    t.is(status, 400, raw)
    t.is(body.error.reason, 'INVALID_JSON_BODY', raw)
    t.is(stored, 0)
  }
  for (const raw of ['[]', 'null', '1', '"text"', 'true']) {
    const { status, body } = await refused(raw)
    t.is(status, 400, raw)
    t.regex(body.error.message, /must be a JSON object/)
  }
  t.is((await refused('')).status, 400)
})

test('text that is not UTF-8, NUL, and half a surrogate pair are refused, not changed', async (t) => {
  const good = { username: 'u', password: 'a password' }
  t.is((await refused(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).body.error.reason, 'INVALID_JSON_BODY')
  for (const name of ['a\u0000b', '\ud83d', 'x\udc00y', '\u001b[31m']) {
    const { status, body, stored } = await refused(JSON.stringify({ ...good, name }))
    t.is(status, 400)
    t.is(body.error.details[0].field, 'name')
    t.is(stored, 0)
  }
})

test('every other character comes back as it was', async (t) => {
  const { key } = await api().customer()
  const name = '😀👩‍👩‍👧 株式会社 عربى Ω \' " ` \\ % _ ; -- /* ${x} <b>\n\ttab'
  const { status, body } = await api().post(key, '/v1.0/extensions', { username: 'u', password: 'a password', name })
  t.is(status, 201)
  t.is(body.name, name)
  t.is((await api().get(key, `/v1.0/extensions/${body.id}`)).body.name, name)
  t.is((await api().put(key, `/v1.0/extensions/${body.id}`, { name: '😀'.repeat(127) })).status, 200)
})

test('a key that would change what checks see is refused', async (t) => {
  const { status, body } = await refused('{"__proto__":{"admin":true},"username":"u","password":"a password"}')
  t.is(status, 400)
  t.regex(body.error.message, /__proto__/)
  t.is((await refused('{"constructor":{"prototype":1},"username":"u","password":"a password"}')).status, 400)
})

test('a body that is too large is 413, compressed or not, and one that is deep is no harm', async (t) => {
  const large = await refused(JSON.stringify({ name: 'x'.repeat(70_000) }))
  t.is(large.status, 413)
  t.is(large.body.error.status, 'PAYLOAD_TOO_LARGE')
  const bomb = gzipSync(Buffer.alloc(5_000_000, 0x20))
  t.is((await refused(bomb, { ...json, 'content-encoding': 'gzip' })).status, 413)
  const deep = '{"name":' + '['.repeat(20_000) + ']'.repeat(20_000) + '}'
  t.is((await refused(deep)).status, 400)
})

test('a body that is packed in another way than by gzip or deflate is 415', async (t) => {
  const packed = brotliCompressSync(JSON.stringify({ username: 'u', password: 'a password' }))
  for (const encoding of ['br', 'zstd', 'gzip, br']) {
    const { status, body } = await refused(packed, { ...json, 'content-encoding': encoding })
    t.is(status, 415, encoding)
    t.regex(body.error.message, /gzip/)
  }
})

test('only JSON is taken: another type is 415', async (t) => {
  const body = JSON.stringify({ username: 'u', password: 'a password' })
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'x']) {
    const answer = await refused(body, { 'content-type': type })
    t.true([415, 400].includes(answer.status), `${type}: ${answer.status}`)
    t.is(answer.stored, 0)
  }
  t.is((await refused(body, { 'content-type': 'text/plain' })).body.error.status, 'UNSUPPORTED_MEDIA_TYPE')
  t.is((await refused(body, { 'content-type': 'application/json; charset=utf-8' })).status, 201)
})

test('an id that is none is 400, one in capitals is the same id', async (t) => {
  const { key } = await api().customer()
  const { body: made } = await api().post(key, '/v1.0/extensions', { username: 'u', password: 'a password' })
  for (const id of [
    '1',
    'x',
    "' OR 1=1",
    '%00',
    '..%2f..%2fetc',
    `{${made.id}}`,
    made.id.replaceAll('-', ''),
    '😀',
    'a'.repeat(500),
  ]) {
    const { status, body } = await api().get(key, `/v1.0/extensions/${encodeURIComponent(id)}`)
    t.is(status, 400, id)
    t.is(body.error.reason, 'INVALID_ID')
  }
  t.is((await api().get(key, `/v1.0/extensions/${made.id.toUpperCase()}`)).body.id, made.id)
})

test('a path, a method or a query that does not exist is told as the contract says', async (t) => {
  const { key } = await api().customer()
  const unknown = await api().get(key, '/v1.0/nothing')
  t.deepEqual([unknown.status, unknown.body.error.reason], [404, 'ROUTE_NOT_FOUND'])
  const method = await api().ask(key, 'PATCH', '/v1.0/extensions')
  t.deepEqual([method.status, method.headers.allow], [405, 'GET, POST'])
  t.is((await api().ask(key, 'PUT', '/v1.0/calls')).status, 405)
  const query = await api().get(key, '/v1.0/extensions?limit=5')
  t.deepEqual([query.status, query.body.error.details[0].field], [400, 'limit'])
  t.is((await api().get(key, '/v1.0/extensions/%zz')).status, 400)
})

test('nothing that is not there can be changed', async (t) => {
  const { status, body } = await api().put(adminKey, `/v1.0/customers/${crypto.randomUUID()}`, { name: 'x' })
  t.deepEqual([status, body.error.reason], [404, 'CUSTOMER_NOT_FOUND'])
})
