import { randomBytes } from 'node:crypto'
import test from 'ava'
import { FailureLimit } from '../../src/api/limit.ts'
import { adminKey, useApi } from './support.ts'

const api = useApi(test)

test('a key is taken from the header or from the query', async (t) => {
  const { key } = await api().customer()
  t.is((await api().get(key, '/v1.0/extensions')).status, 200)
  t.is((await api().get('', `/v1.0/extensions?token=${key}`)).status, 200)
  t.is((await api().ask('', 'GET', '/v1.0/extensions', { headers: { authorization: `bearer  ${key}` } })).status, 200)
})

test('without a key, and with one that does not exist, the answer is 401', async (t) => {
  const none = await api().get('', '/v1.0/extensions')
  t.is(none.status, 401)
  t.is(none.body.error.status, 'UNAUTHENTICATED')
  t.is(none.body.error.reason, 'AUTHENTICATION_REQUIRED')
  t.regex(none.headers['www-authenticate']!, /Bearer/)
  for (const [index, token] of ['hd_' + 'a'.repeat(32), 'nonsense', "' OR 1=1 -- ", '😀'].entries()) {
    const wrong = await api().ask('', 'GET', `/v1.0/extensions?token=${encodeURIComponent(token)}`, {
      from: `192.0.2.${index + 10}`,
    })
    t.is(wrong.status, 401, token)
    t.is(wrong.body.error.reason, 'INVALID_CREDENTIALS')
  }
  t.is((await api().ask('', 'GET', '/v1.0/extensions?token=a&token=b', { from: '192.0.2.20' })).status, 401)
  const basic = { headers: { authorization: 'Basic YTpi' }, from: '192.0.2.21' }
  t.is((await api().ask('', 'GET', '/v1.0/extensions', basic)).status, 401)
})

test('a key that has expired, or was deleted, is dead at once', async (t) => {
  const { id: customer_id, key } = await api().customer()
  const { body: made } = await api().post(key, '/v1.0/accesskeys', { name: 'second' })
  t.is((await api().get(made.token, '/v1.0/extensions')).status, 200)
  await api().database.query('UPDATE accesskeys SET tm_expire = UTC_TIMESTAMP(6) WHERE id = ?', [made.id])
  t.is((await api().get(made.token, '/v1.0/extensions')).status, 401)
  await api().database.query('UPDATE accesskeys SET tm_expire = UTC_TIMESTAMP(6) + INTERVAL 1 HOUR WHERE id = ?', [
    made.id,
  ])
  t.is((await api().get(made.token, '/v1.0/extensions')).status, 200)
  t.is((await api().delete(key, `/v1.0/accesskeys/${made.id}`)).status, 200)
  t.is((await api().get(made.token, '/v1.0/extensions')).status, 401)
  t.is((await api().delete(adminKey, `/v1.0/customers/${customer_id}`)).status, 200)
  t.is((await api().get(key, '/v1.0/extensions')).status, 401)
})

test('who tries too many keys waits, while good keys from the same address go on working', async (t) => {
  const { key } = await api().customer()
  const from = '198.51.100.7'
  const wrong = { from, headers: { authorization: `Bearer hd_${'x'.repeat(32)}` } }
  const answers = []
  for (let i = 0; i < 7; i++) answers.push(await api().ask('', 'GET', '/v1.0/calls', wrong))
  t.deepEqual(
    answers.map(({ status }) => status),
    [401, 401, 401, 401, 401, 429, 429],
  )
  t.is(answers.at(-1)!.body.error.status, 'RESOURCE_EXHAUSTED')
  t.true(Number(answers.at(-1)!.headers['retry-after']) <= 60)
  t.is((await api().ask(key, 'GET', '/v1.0/calls', { from })).status, 200)
  t.is((await api().ask('', 'GET', '/v1.0/calls', { ...wrong, from: '198.51.100.8' })).status, 401)
})

test('failures are forgotten after a minute, and their memory is bounded', (t) => {
  const limit = new FailureLimit(2, 60, 100)
  t.deepEqual(
    [0, 0, 0, 59_000, 60_001].map((now) => limit.fail('192.0.2.1', now)),
    [0, 0, 60, 1, 0],
  )
  for (let i = 0; i < 1000; i++) limit.fail(`10.0.${i >> 8}.${i & 255}`, 0)
  t.is(limit.remembered, 100)
})

test('the addresses of one IPv6 network count as one, and IPv4 is IPv4 in any dress', (t) => {
  const limit = new FailureLimit(1)
  t.is(limit.fail('2001:db8:1:2::1'), 0)
  t.true(limit.fail('2001:db8:1:2:ffff:a:b:c') > 0)
  t.is(limit.fail('2001:db8:1:3::1'), 0)
  t.is(limit.fail('::ffff:192.0.2.1'), 0)
  t.true(limit.fail('192.0.2.1') > 0)
})

test('no key is ever logged, wherever it was', async (t) => {
  const { key } = await api().customer()
  const secret = 'a password that is secret'
  await api().get('', `/v1.0/extensions?token=${key}`)
  await api().get('', `/v1.0/extensions?%74oken=${key}&page_size=9999`)
  await api().get(key, `/v1.0/extensions/${key}`)
  await api().get(key, `/v1.0/${key}`)
  // As `openssl rand -hex 16` makes the operator's, and the demo with a prefix.
  const operators = randomBytes(16).toString('hex')
  await api().get('', `/v1.0/${operators}`)
  await api().get(key, `/v1.0/extensions/hda_${operators}`)
  await api().post(key, '/v1.0/extensions', { username: 'logged', password: secret })
  await api().post(key, '/v1.0/extensions', { username: 'logged', password: secret })
  await api().post(key, `/v1.0/accesskeys?token=${key}`, { name: 'logged' })
  const log = api().logged.join('')
  t.regex(log, /get \/v1.0\/extensions 200/)
  t.false(log.includes(key))
  t.false(log.includes(operators))
  t.false(log.includes(secret))
  t.notRegex(log, /hd_[0-9A-Za-z]{32}/)
})

test('each request has a name, in its answer, its header and the log', async (t) => {
  const { body, headers } = await api().get('', '/v1.0/extensions')
  t.regex(body.error.request_id, /^req_[0-9a-f]{24}$/)
  t.is(headers['x-request-id'], body.error.request_id)
  t.true(api().logged.join('').includes(body.error.request_id))
  t.regex((await api().get('', '/health')).headers['x-request-id']!, /^req_/)
})
