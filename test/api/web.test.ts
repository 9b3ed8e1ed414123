import { createHash } from 'node:crypto'
import test from 'ava'
import { Web } from '../../src/web.ts'
import { adminKey, useApi } from './support.ts'

const origin = 'https://console.example.com'
const config = {
  ...{ apiListen: { host: '127.0.0.1', port: 0 }, baseDomain: 'hashdial.test', hashBytes: 6, bodyBytes: 65_536 },
  ...{ authFailures: 5, adminKeySha256: createHash('sha256').update(adminKey).digest('hex') },
}
const api = useApi(test)
const crossApi = useApi(test, { config: { ...config, corsOrigins: [origin] }, trunkHosts: new Web(['10.1.0.0/16']) })

test('a path with a slash at its end is the same path', async (t) => {
  const { key } = await api().customer()
  const { status, body } = await api().post(key, '/v1.0/flows/', { actions: [] })
  t.is(status, 201)
  t.is((await api().get(key, `/v1.0/flows/${body.id}/`)).status, 200)
  t.is((await api().get(key, '/v1.0/flows/?page_size=1')).body.result.length, 1)
  t.is((await api().server.inject('/docs/')).statusCode, 200)
  t.not((await api().server.inject('/health/')).statusCode, 404)
  t.is((await api().get(key, '/v1.0/nothing/')).status, 404)
})

const preflight = {
  ...{ method: 'OPTIONS', url: '/v1.0/flows' },
  headers: {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  },
}

test('no page of a browser may use the API where none is named', async (t) => {
  for (const request of [preflight, { url: '/health', headers: { origin } }]) {
    const { headers } = await api().server.inject(request)
    for (const name of Object.keys(headers)) t.notRegex(name, /^access-control/)
  }
})

test('the pages that are named may, with the key in a header, and no others', async (t) => {
  const { statusCode, headers } = await crossApi().server.inject(preflight)
  t.true(statusCode === 200 || statusCode === 204)
  t.is(headers['access-control-allow-origin'], origin)
  t.regex(String(headers['access-control-allow-methods']), /POST/)
  t.regex(String(headers['access-control-allow-headers']), /Authorization/)
  t.is(headers['access-control-allow-credentials'], undefined)
  for (const url of ['/health', '/v1.0/flows', '/nothing']) {
    const answer = await crossApi().server.inject({ url, headers: { origin } })
    t.is(answer.headers['access-control-allow-origin'], origin, `${url} ${answer.statusCode}: an error can be read too`)
    t.regex(String(answer.headers['vary']), /origin/)
    t.regex(String(answer.headers['access-control-expose-headers']), /X-Request-Id/)
  }
  for (const other of [
    'https://evil.example',
    'https://console.example.com.evil.example',
    'null',
    'http://console.example.com',
  ]) {
    const asked = { ...preflight, headers: { ...preflight.headers, origin: other } }
    t.is((await crossApi().server.inject(asked)).headers['access-control-allow-origin'], undefined, other)
    const plain = await crossApi().server.inject({ url: '/health', headers: { origin: other } })
    t.is(plain.headers['access-control-allow-origin'], undefined, other)
  }
})

test('a trunk that is where only we get is refused when it is saved, however it is spelled', async (t) => {
  const { key } = await crossApi().customer()
  const make = (domain_name: string) =>
    crossApi().post(key, '/v1.0/trunks', { domain_name, auth_types: ['ip'], allowed_ips: ['192.0.2.7'] })
  for (const host of [
    ...[
      '127.0.0.1',
      '127.0.0.1:5070',
      '10.2.0.1',
      '192.168.0.1',
      '169.254.169.254',
      '0.0.0.0',
      '100.64.0.1',
      '224.0.0.1',
    ],
    ...[
      'localhost',
      'a.localhost',
      'mysql',
      '2130706433',
      '0x7f.1',
      '127.1',
      '0177.0.0.1',
      '0',
      '256.1.1.1',
      '1.2.3.4.5',
    ],
    ...['sip.hashdial.test', 'hashdial.test:5060'],
  ]) {
    const { status, body } = await make(host)
    t.is(status, 400, host)
    t.is(body.error.details[0].field, 'domain_name', host)
  }
  const words = async (host: string) => (await make(host)).body.error.message.replaceAll(host, '…')
  t.is(await words('10.2.0.1'), await words('localhost'))
  t.is(await words('nothing'), await words('localhost'))
  for (const host of ['10.1.2.3:5080', '8.8.8.8', 'sip.provider.example']) t.is((await make(host)).status, 201, host)
  const { body } = await make('8.8.4.4')
  t.is((await crossApi().put(key, `/v1.0/trunks/${body.id}`, { domain_name: '10.2.0.1' })).status, 400)
  t.is((await crossApi().put(key, `/v1.0/trunks/${body.id}`, { name: 'x' })).status, 200)
})
