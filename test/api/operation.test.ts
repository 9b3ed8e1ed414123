import test from 'ava'
import { migrate } from '../../src/database.ts'
import { adminKey, freshDatabase, openApi, useApi } from './support.ts'

let ari: 'ok' | 'degraded' | 'down' = 'ok'
const api = useApi(test, { health: { ari: () => ari } })

const edge = (name: string, age: number): Promise<unknown> =>
  api().database.query(`REPLACE INTO edges VALUES (?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) - INTERVAL ? SECOND, 7, 3)`, [
    name,
    age,
  ])

test.serial('health is told to everyone, and is true', async (t) => {
  t.like(await api().get('', '/health'), {
    status: 503,
    body: { status: 'degraded', mysql: 'ok', kamailio: 'down', ari: 'ok' },
  })
  await edge('a', 60)
  t.like(await api().get('', '/health'), { status: 503, body: { kamailio: 'down' } })
  await edge('b', 1)
  t.like(await api().get('', '/health'), { status: 200, body: { status: 'degraded', kamailio: 'degraded' } })
  await edge('a', 3700)
  t.like(await api().get('', '/health'), { status: 200, body: { status: 'ok', kamailio: 'ok' } })
  ari = 'degraded'
  t.like(await api().get('', '/health'), { status: 200, body: { status: 'degraded', ari: 'degraded' } })
  ari = 'down'
  t.like(await api().get('', '/health'), { status: 503, body: { status: 'degraded', ari: 'down' } })
  ari = 'ok'
})

test('metrics are for this machine and for the admin key', async (t) => {
  const { key } = await api().customer()
  await edge('metered', 0)
  api().metrics.repairs.inc({ job: 'test' }, 2)
  const ask = (token: string, from: string, headers = {}) => api().ask(token, 'GET', '/metrics', { from, headers })
  t.is((await ask('', '127.0.0.1')).status, 200)
  t.is((await ask('', '::1')).status, 200)
  t.is((await ask(adminKey, '192.0.2.1')).status, 200)
  t.is((await ask('', '192.0.2.1')).status, 403)
  t.is((await ask(key, '192.0.2.1')).status, 403)
  t.is((await ask('', '127.0.0.1', { 'x-forwarded-for': '192.0.2.1' })).status, 403)
  const { text } = await ask('', '127.0.0.1')
  t.regex(text, /hashdial_edge_up{edge="metered"} 1/)
  t.regex(text, /hashdial_edge_misses{edge="metered"} 7/)
  t.regex(text, /hashdial_repairs_total{job="test"} 2/)
  t.regex(text, /hashdial_api_requests_total{method="post",route="\/v1.0\/customers",status="201"} \d/)
  t.regex(text, /process_resident_memory_bytes \d/)
})

test('OpenAPI describes every route with its answers', async (t) => {
  const { body } = await api().get('', '/openapi.json')
  t.is(body.openapi, '3.1.0')
  const described = Object.entries<object>(body.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  )
  const undescribed = ['/openapi.json', '/docs', '/docs/start.js', '/docs/{file}', '/metrics']
  const routes = api()
    .server.table()
    .filter(({ path }) => !undescribed.includes(path))
  t.deepEqual(described.sort(), routes.map(({ method, path }) => `${method} ${path}`).sort())
  const extension = body.components.schemas.extension
  t.deepEqual(extension.properties.tm_update.type, ['string', 'null'])
  t.deepEqual(extension.properties.direct_hash.examples, ['a1b2c3d4e5f6'])
  const create = body.paths['/v1.0/extensions'].post
  t.deepEqual(create.requestBody.content['application/json'].schema.anyOf, [
    { required: ['username'] },
    { required: ['extension'] },
  ])
  t.deepEqual(create.responses[201].content['application/json'].schema, { $ref: '#/components/schemas/extension' })
  const list = body.paths['/v1.0/extensions'].get
  t.deepEqual(
    list.parameters.map(({ name }: { name: string }) => name),
    ['page_size', 'page_token'],
  )
  t.is(new Set(described).size, described.length)
})

test('the page of the API needs nothing from elsewhere, and lets nothing in', async (t) => {
  const page = await api().get('', '/docs')
  t.is(page.status, 200)
  t.notRegex(page.text, /https?:/)
  t.regex(page.headers['content-security-policy']!, /default-src 'none'; script-src 'self'/)
  for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js', 'start.js', 'favicon-32x32.png'])
    t.is((await api().get('', `/docs/${file}`)).status, 200, file)
  for (const file of ['package.json', '..%2fpackage.json', 'index.html'])
    t.is((await api().get('', `/docs/${file}`)).status, 404, file)
})

test('another base domain than the extensions were made for is refused at the start', async (t) => {
  const fresh = await freshDatabase()
  await migrate(fresh.url)
  const first = await openApi(fresh.url)
  const { key } = await first.customer()
  await first.post(key, '/v1.0/extensions', { username: 'u', password: 'a password' })
  const config = { apiListen: { host: '127.0.0.1', port: 0 }, hashBytes: 6, bodyBytes: 1024, authFailures: 5 }
  const other = { config: { ...config, adminKeySha256: '', baseDomain: 'other.example' } }
  await t.throwsAsync(openApi(fresh.url, other), {
    message: /HASHDIAL_BASE_DOMAIN is other.example, .* made for hashdial.test/,
  })
  await first.server.stop()
  await first.database.destroy()
  await fresh.drop()
})
