import { randomUUID } from 'node:crypto'
import test from 'ava'
import { hashToken } from '../../src/resources/accesskey.ts'
import { useApi } from './support.ts'

const api = useApi(test)
const password = 'a long password'

let sources = 0
/** An address that nobody has failed from. */
const source = (): string => `2001:db8:0:${(++sources).toString(16)}::1`

async function makeAgent() {
  const customer = await api().customer()
  const { body: agent } = await api().post(customer.key, '/v1.0/agents', { username: 'jane', password })
  const credentials = { customer_id: customer.id, username: 'jane', password }
  return { ...customer, agent, credentials, path: `/v1.0/agents/${agent.id}` }
}

const login = (body: object, from = source()) => api().ask('', 'POST', '/v1.0/auth/login', { body, from })

/** What becomes of a request to read this agent. */
const reads = async (token: string, path: string): Promise<number> =>
  (await api().ask(token, 'GET', path, { from: source() })).status

async function loggedIn() {
  const made = await makeAgent()
  const { body } = await login(made.credentials)
  return { ...made, token: body.token as string }
}

test('an agent logs in with its password, and its token works for twelve hours', async (t) => {
  const { key, agent, credentials, path } = await makeAgent()
  const { status, body } = await login(credentials)
  t.is(status, 200)
  t.regex(body.token, /^ha_[0-9A-Za-z]{32}$/)
  const hours = (Date.parse(body.tm_expire) - Date.now()) / 3_600_000
  t.true(hours > 11.9 && hours <= 12, String(hours))
  t.deepEqual(body.agent, agent)
  t.deepEqual((await api().get(body.token, path)).body, (await api().get(key, path)).body)
  t.is((await api().get('', `${path}?token=${body.token}`)).status, 200)
  await api().database.query('UPDATE agent_tokens SET tm_expire = UTC_TIMESTAMP(6) WHERE agent_id = ?', [agent.id])
  t.is(await reads(body.token, path), 401)
})

test('only the SHA-256 of a token is stored, and none is logged', async (t) => {
  const { agent, token, path } = await loggedIn()
  const rows = await api().database.query('SELECT * FROM agent_tokens WHERE agent_id = ?', [agent.id])
  t.deepEqual(
    rows.map(({ token_hash }: { token_hash: string }) => token_hash),
    [hashToken(token)],
  )
  await api().get('', `${path}?token=${token}`)
  await api().get(token, `/v1.0/agents/${token}`)
  const log = api().logged.join('')
  t.false(log.includes(token))
  t.false(log.includes(password))
})

test('an unknown customer, an unknown agent and a wrong password get the same answer', async (t) => {
  const { credentials } = await makeAgent()
  const wrongs = [
    { customer_id: randomUUID() },
    { username: 'june' },
    { password: 'a wrong password' },
    { password: '' },
  ]
  for (const wrong of wrongs) {
    const { status, body, headers } = await login({ ...credentials, ...wrong })
    const { request_id: _, ...error } = body.error
    t.is(status, 401, JSON.stringify(wrong))
    t.deepEqual(error, {
      ...{ status: 'UNAUTHENTICATED', reason: 'LOGIN_FAILED', details: [] },
      message: 'no agent has this customer_id, username and password',
    })
    t.regex(headers['www-authenticate']!, /Bearer/)
  }
  const other = await makeAgent()
  t.is((await login({ ...credentials, customer_id: other.id })).status, 200, 'the same name and password there')
  for (const broken of [{ customer_id: 'x' }, { username: 'jane ' }, { username: undefined }, { more: 1 }])
    t.is((await login({ ...credentials, ...broken })).status, 400, JSON.stringify(broken))
})

test.serial('an unknown agent takes as long as a wrong password', async (t) => {
  const { credentials } = await makeAgent()
  const wrongs = [{ username: 'june' }, { password: 'a wrong password' }]
  const fastest = [Infinity, Infinity]
  // In turns: what else the machine has to do meets both.
  for (let i = 0; i < 14; i++) {
    const begun = performance.now()
    t.is((await login({ ...credentials, ...wrongs[i % 2] })).status, 401)
    fastest[i % 2] = Math.min(fastest[i % 2]!, performance.now() - begun)
  }
  const [unknown, wrong] = fastest as [number, number]
  t.true(unknown > wrong / 2 && unknown < wrong * 2, `${unknown} and ${wrong} ms`)
})

test('at one agent ten passwords a minute may be tried, from wherever', async (t) => {
  const { credentials, key, path } = await makeAgent()
  const wrong = { ...credentials, password: 'a wrong password' }
  for (let i = 0; i < 10; i++) t.is((await login(wrong)).status, 401)
  const { status, body, headers } = await login(credentials)
  t.deepEqual([status, body.error.reason], [429, 'RATE_LIMIT_EXCEEDED'])
  const seconds = Number(headers['retry-after'])
  t.true(seconds > 0 && seconds <= 60, headers['retry-after'])
  t.is((await login({ ...credentials, username: 'june' })).status, 401, 'another one')
  t.is((await api().put(key, `${path}/status`, { status: 'away' })).status, 200)
})

test('a source that is wrong too often waits, and those that are right do not count', async (t) => {
  const { credentials } = await makeAgent()
  const other = await makeAgent()
  const from = source()
  for (let i = 0; i < 6; i++) t.is((await login(credentials, from)).status, 200)
  const guess = (i: number) => login({ ...credentials, username: `guess${i}` }, from)
  t.deepEqual(
    (await Promise.all([0, 1, 2, 3, 4, 5, 6].map(guess))).map(({ status }) => status).sort(),
    [401, 401, 401, 401, 401, 429, 429],
  )
  t.is((await login(other.credentials, from)).status, 429)
  t.is((await login(other.credentials)).status, 200)
})

test('an agent reads itself, says its status, and finds no other', async (t) => {
  const { key, token, path } = await loggedIn()
  const { body: colleague } = await api().post(key, '/v1.0/agents', { username: 'june', password })
  const { status, body } = await api().put(token, `${path}/status`, { status: 'available' })
  t.deepEqual([status, body.status], [200, 'available'])
  t.is((await api().put(token, `${path}/status`, { status: 'busy' })).status, 400)
  for (const id of [colleague.id, randomUUID()]) {
    const other = `/v1.0/agents/${id}`
    t.is((await api().get(token, other)).body.error.reason, 'AGENT_NOT_FOUND')
    t.is((await api().put(token, `${other}/status`, { status: 'away' })).status, 404)
    const stolen = { password: 'another password', current_password: password }
    t.is((await api().put(token, `${other}/password`, stolen)).status, 404)
  }
  t.is((await login({ customer_id: colleague.customer_id, username: 'june', password })).status, 200)
})

type Plugins = { openapi?: { open?: true } }

test('everything else is closed to an agent', async (t) => {
  const { agent, token } = await loggedIn()
  const views = ['get /v1.0/agents/{id}/queues', 'get /v1.0/agents/{id}/queuecalls', 'get /v1.0/queues/{id}/state']
  const changes = ['put /v1.0/agents/{id}/status', 'put /v1.0/agents/{id}/password']
  const own = ['get /v1.0/agents/{id}', ...views, ...changes]
  const closed = api()
    .server.table()
    .filter(({ settings: { plugins } }) => (plugins as Plugins).openapi?.open === undefined)
    .filter(
      ({ method, path }) => (path.startsWith('/v1.0') || path === '/metrics') && !own.includes(`${method} ${path}`),
    )
  t.true(closed.length > 60)
  for (const { method, path } of closed) {
    const { status, body } = await api().ask(token, method.toUpperCase(), path.replaceAll(/\{\w+\}/g, agent.id))
    t.deepEqual([status, body?.error.reason], [403, 'PERMISSION_DENIED'], `${method} ${path}`)
  }
})

test('an agent that changes its password gives the one before, and logs in anew', async (t) => {
  const { agent, credentials, token, path } = await loggedIn()
  const { body: second } = await login(credentials)
  const change = (body: object) =>
    api().ask(token, 'PUT', `${path}/password`, { body: { password: 'another password', ...body }, from: source() })
  for (const wrong of [{}, { current_password: '' }, { current_password: 'another password' }]) {
    const { status, body } = await change(wrong)
    t.deepEqual([status, body.error.details[0].field], [400, 'current_password'], JSON.stringify(wrong))
  }
  t.is((await change({ current_password: password, password: 'short' })).status, 400)
  const { status, text } = await change({ current_password: password })
  t.is(status, 200)
  t.notRegex(text, /password|scrypt/)
  for (const dead of [token, second.token]) t.is(await reads(dead, path), 401)
  t.is((await login(credentials)).status, 401)
  t.is((await login({ ...credentials, password: 'another password' })).body.agent.id, agent.id)
})

test('the tokens of an agent die with its password and with itself', async (t) => {
  const { credentials, key, token, path } = await loggedIn()
  await api().put(key, path, { name: 'Jane' })
  t.is(await reads(token, path), 200)
  t.is((await api().put(key, `${path}/password`, { password: 'another password' })).status, 200)
  t.is(await reads(token, path), 401)
  const { body: second } = await login({ ...credentials, password: 'another password' })
  t.is((await api().put(key, path, { password: 'the third one' })).status, 200)
  t.is(await reads(second.token, path), 401)
  const { body: third } = await login({ ...credentials, password: 'the third one' })
  t.is((await api().delete(key, path)).status, 200)
  t.is(await reads(third.token, path), 401)
  t.is((await login({ ...credentials, password: 'the third one' })).status, 401)
})

test('a password that is changed while somebody logs in with it gives no token that outlives it', async (t) => {
  const { credentials, key, path } = await makeAgent()
  const [{ body }] = await Promise.all([login(credentials), api().put(key, path, { password: 'another password' })])
  if (body.token !== undefined) t.is(await reads(body.token, path), 401)
  else t.is(body.error.reason, 'LOGIN_FAILED')
})

test('an agent sees its queues, how they go, and whom it has served, and nothing of other queues', async (t) => {
  const { key, token, path } = await loggedIn()
  const { body: tag } = await api().post(key, '/v1.0/tags', { name: 'french' })
  const { body: own } = await api().post(key, '/v1.0/queues', { name: 'own' })
  const { body: other } = await api().post(key, '/v1.0/queues', {
    name: 'other',
    tag_ids: [{ tag_id: tag.id, level: 1 }],
  })
  t.deepEqual((await api().get(token, `${path}/queues`)).body, { result: [{ id: own.id, name: 'own' }] })
  t.like((await api().get(token, `/v1.0/queues/${own.id}/state`)).body, { waiting_count: 0, callback_count: 0 })
  t.deepEqual((await api().get(token, `${path}/queuecalls`)).body, { result: [] })
  t.is(await reads(token, `/v1.0/queues/${other.id}/state`), 404)
  t.is(await reads(token, `/v1.0/queues/${own.id}`), 403)
  t.is(await reads(token, `/v1.0/queues/${own.id}/history?day=2026-11-27`), 403)
  const stranger = await loggedIn()
  t.is(await reads(stranger.token, `/v1.0/queues/${own.id}/state`), 404)
  t.is(await reads(stranger.token, `${path}/queues`), 404)
  t.is((await api().get(key, `/v1.0/queues/${other.id}/state`)).status, 200)
})
