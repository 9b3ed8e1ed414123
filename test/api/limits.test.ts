import { randomUUID } from 'node:crypto'
import test from 'ava'
import { toSqlTime } from '../../src/database.ts'
import { longestDelay } from '../support/delay.ts'
import { adminKey, openApi, openFresh, useApi, type Api } from './support.ts'

const api = useApi(test)

async function limited(
  t: { teardown(work: () => Promise<void>): void },
  apiRequests: number,
  apiAtOnce: number,
): Promise<Api> {
  const { fresh, database } = await openFresh()
  await database.destroy()
  const config = {
    apiListen: { host: '127.0.0.1', port: 0 },
    baseDomain: 'hashdial.test',
    hashBytes: 6,
    authFailures: 5,
  }
  const { createHash } = await import('node:crypto')
  const adminKeySha256 = createHash('sha256').update(adminKey).digest('hex')
  const other = await openApi(fresh.url, {
    config: { ...config, bodyBytes: 262_144, adminKeySha256, apiRequests, apiAtOnce },
  })
  t.teardown(async () => {
    await other.server.stop()
    await other.database.destroy()
    await fresh.drop()
  })
  return other
}

test.serial('who sends more than his share is told to wait, and nobody else is', async (t) => {
  const other = await limited(t, 5, 100)
  const [one, two] = [await other.customer(), await other.customer()]
  const statuses: number[] = []
  let last = await other.get(adminKey, '/v1.0/customers')
  for (let count = 0; count < 15; count++) {
    last = await other.get(one.key, '/v1.0/extensions')
    statuses.push(last.status)
  }
  t.deepEqual(statuses.slice(0, 10), Array(10).fill(200))
  t.is(last.status, 429)
  t.like(last.body.error, { status: 'RESOURCE_EXHAUSTED', reason: 'RATE_LIMIT_EXCEEDED' })
  t.true(Number(last.headers['retry-after']) >= 1)
  t.is((await other.get(two.key, '/v1.0/extensions')).status, 200)
  for (let count = 0; count < 20; count++) t.is((await other.get(adminKey, '/v1.0/customers')).status, 200)
})

test.serial('all keys of a customer count together, and large bodies count more', async (t) => {
  const other = await limited(t, 5, 100)
  const { key } = await other.customer()
  const { body: second } = await other.post(key, '/v1.0/accesskeys', {})
  const actions = Array.from({ length: 800 }, () => ({
    type: 'webhook_send',
    option: { uri: 'https://a.test/', data: 'x'.repeat(200) },
  }))
  t.is((await other.post(second.token, '/v1.0/flows', { actions })).status, 201)
  t.is((await other.get(key, '/v1.0/extensions')).status, 429)
})

test.serial(
  'so many requests of a customer are under way and not more, and each makes room when it is answered',
  async (t) => {
    const other = await limited(t, 1_000, 5)
    const { key } = await other.customer()
    const answers = await Promise.all(Array.from({ length: 20 }, () => other.get(key, '/v1.0/extensions')))
    const good = answers.filter(({ status }) => status === 200).length
    t.true(good >= 5 && good < 20, `${good}`)
    t.is(answers.filter(({ status }) => status === 429).length, 20 - good)
    for (let count = 0; count < 10; count++) t.is((await other.get(key, '/v1.0/extensions')).status, 200)
    await other.get(key, `/v1.0/extensions/${randomUUID()}`)
    await other.post(key, '/v1.0/extensions', { nothing: 1 })
    t.is(
      (await Promise.all(Array.from({ length: 5 }, () => other.get(key, '/v1.0/calls')))).filter(
        ({ status }) => status === 200,
      ).length,
      5,
    )
  },
)

test.serial('a body or a query of thousands of fields is refused before each is looked at', async (t) => {
  const { key } = await api().customer()
  const fields = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, 1]))
  const bodies: [string, object][] = [
    ['/v1.0/extensions', fields(4_000)],
    ['/v1.0/extensions', { username: fields(4_000) }],
    ['/v1.0/calls', { destinations: Array<object>(4_000).fill({ type: 'sip' }), flow_id: randomUUID() }],
    [
      '/v1.0/calls',
      { destination: { type: 'sip', target: 'sip:a@b.test' }, variables: fields(4_000), flow_id: randomUUID() },
    ],
  ]
  const delay = await longestDelay(async () => {
    for (const [path, body] of bodies) {
      const { status, text } = await api().post(key, path, body)
      t.is(status, 400, path)
      t.true(text.length < 60_000)
    }
    const query = Array.from({ length: 2_000 }, (_, n) => `k${n}=1`).join('&')
    for (const path of ['/v1.0/extensions', '/health', '/nothing'])
      t.is((await api().get(key, `${path}?${query}`)).status, 400)
  })
  t.true(delay < 500, `${delay} ms`)
  const { body, status } = await api().post(key, '/v1.0/extensions', { ...fields(300), username: 'u' })
  t.is(status, 400)
  t.is(body.error.details.length, 100)
})

test.serial('five flows of 30 kB at once: each is checked, and the event loop goes on', async (t) => {
  const { key } = await api().customer()
  const actions = Array.from({ length: 200 }, (_, n) => ({
    type: 'webhook_send',
    option: { uri: `https://a.test/${n}`, data: 'x"'.repeat(20) },
  }))
  const delay = await longestDelay(async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => api().post(key, '/v1.0/flows', { actions })))
    t.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]))
    t.is(answers[0]!.body.actions[7].option.data, 'x"'.repeat(20))
  })
  t.true(delay < 1_000, `${delay} ms`)
})

test.serial(
  'rows of two megabytes come a few at a time, none twice and none left out, and the event loop goes on',
  async (t) => {
    const { id: customer_id, key } = await api().customer()
    const actions = Array.from({ length: 1_000 }, () => ({
      id: randomUUID(),
      next_id: null,
      type: 'stop',
      option: { x: 'x'.repeat(1_900) },
    }))
    const state = JSON.stringify({ stack: [{ actions, cursor: 3 }], executions: 1, variables: { a: 'b' }, memory: {} })
    const made: string[] = []
    for (let n = 0; n < 8; n++) {
      made.unshift(randomUUID())
      const time = toSqlTime(new Date(Date.UTC(2026, 0, 1, 0, 0, n)))
      await api().database.query(
        `INSERT INTO activeflows (id, customer_id, flow_id, reference_type, reference_id, status, state, executed_actions, tm_create)
       VALUES (?, ?, NULL, 'call', ?, 'running', ?, '[]', ?)`,
        [
          made[0],
          customer_id,
          randomUUID(),
          n % 4 === 0 ? state.replace(/"actions":\[.*\],"c/, '"actions":[],"c') : Buffer.from(state),
          time,
        ],
      )
    }
    const seen: string[] = []
    const delay = await longestDelay(async () => {
      for (let token = '', first = true; first || token !== ''; first = false) {
        const { body } = await api().get(key, `/v1.0/activeflows?page_token=${token}`)
        t.true(body.result.length > 0 && body.result.length < 4)
        seen.push(...body.result.map(({ id }: { id: string }) => id))
        t.is(body.result[0].variables.a, 'b')
        token = body.next_page_token
      }
    })
    t.deepEqual(seen, made)
    t.true(delay < 500, `${delay} ms`)
  },
)
