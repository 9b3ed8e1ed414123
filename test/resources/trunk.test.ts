import { createHash } from 'node:crypto'
import test from 'ava'
import { parseNetwork } from '../../src/registrar/network.ts'
import { useApi } from '../api/support.ts'

const api = useApi(test)
const login = { auth_types: ['basic'], username: 'pbx', password: 'a long password' }

async function make(key: string, values: object) {
  return api().post(key, '/v1.0/trunks', { domain_name: 'sip.provider.example', ...values })
}

/** The queries of sql/002-flows.sql. */
async function byAddress(number: string, source: string): Promise<number> {
  const rows = await api().database.query(
    `SELECT n.id, a.trunk_id FROM numbers n JOIN trunk_addresses a ON a.customer_id = n.customer_id
     WHERE n.number = ? AND n.call_flow_id IS NOT NULL AND a.first_address <= HEX(INET6_ATON(?))
       AND a.last_address >= HEX(INET6_ATON(?)) AND LENGTH(a.first_address) = LENGTH(HEX(INET6_ATON(?))) LIMIT 1`,
    [number, source, source, source],
  )
  return rows.length
}

async function byAccount(number: string, username: string): Promise<string | undefined> {
  const rows = await api().database.query(
    `SELECT n.id, a.ha1, a.trunk_id FROM numbers n
     JOIN trunk_accounts a ON a.customer_id = n.customer_id AND a.username = ?
     WHERE n.number = ? AND n.call_flow_id IS NOT NULL`,
    [username, number],
  )
  return rows[0]?.ha1
}

async function numberOf(key: string, number: string): Promise<string> {
  const { body: flow } = await api().post(key, '/v1.0/flows', { actions: [] })
  await api().post(key, '/v1.0/numbers', { number, call_flow_id: flow.id })
  return number
}

test('calls are let in from the addresses of a trunk to the numbers of its customer, and no others', async (t) => {
  const { key } = await api().customer()
  const other = await api().customer()
  const number = await numberOf(key, '+4930100')
  const foreign = await numberOf(other.key, '+4930101')
  const allowed_ips = ['198.51.100.9/24', '192.0.2.7', '2001:DB8:0:0::/64', '192.0.2.7']
  const { status, body } = await make(key, { auth_types: ['ip'], allowed_ips })
  t.is(status, 201)
  t.deepEqual(body.allowed_ips, ['192.0.2.7', '198.51.100.0/24', '2001:db8::/64'])
  for (const source of ['192.0.2.7', '198.51.100.0', '198.51.100.255', '2001:db8::ffff'])
    t.is(await byAddress(number, source), 1, source)
  for (const source of ['192.0.2.8', '198.51.101.0', '2001:db8:0:1::', '32.1.13.184'])
    t.is(await byAddress(number, source), 0, source)
  t.is(await byAddress(foreign, '192.0.2.7'), 0)

  const path = `/v1.0/trunks/${body.id}`
  t.deepEqual((await api().put(key, path, { name: 'x' })).body.allowed_ips, body.allowed_ips)
  t.deepEqual((await api().put(key, path, { allowed_ips: ['10.0.0.1'] })).body.allowed_ips, ['10.0.0.1'])
  t.is(await byAddress(number, '192.0.2.7'), 0)
  t.is((await api().delete(key, path)).status, 200)
  t.is(await byAddress(number, '10.0.0.1'), 0)
})

test('a password is kept as HA1 only, changed, and gone with basic', async (t) => {
  const { key } = await api().customer()
  const number = await numberOf(key, '+4930200')
  const { body, text } = await make(key, login)
  t.notRegex(text, /a long password/)
  t.is(body.password, undefined)
  const hash = (password: string) => createHash('md5').update(`pbx:hashdial.test:${password}`).digest('hex')
  t.is(await byAccount(number, 'pbx'), hash('a long password'))
  t.is(await byAccount(number, 'other'), undefined)
  const path = `/v1.0/trunks/${body.id}`
  t.is((await api().put(key, path, { password: 'another one' })).status, 200)
  t.is(await byAccount(number, 'pbx'), hash('another one'))
  const renamed = await api().put(key, path, { username: 'pbx2' })
  t.deepEqual([renamed.status, renamed.body.error.details[0].field], [400, 'password'])
  t.is((await api().get(key, path)).body.username, 'pbx')
  t.is((await api().put(key, path, { auth_types: ['ip'], allowed_ips: ['192.0.2.1'] })).status, 200)
  t.is(await byAccount(number, 'pbx'), undefined)
  const back = await api().put(key, path, { auth_types: ['basic', 'ip'] })
  t.deepEqual([back.status, back.body.error.details[0].field], [400, 'password'])
})

test('what does not go together, or would let everyone in, is refused', async (t) => {
  const { key } = await api().customer()
  t.is((await make(key, login)).status, 201)
  for (const [values, field] of [
    [{ auth_types: ['ip'] }, 'allowed_ips'],
    [{ auth_types: ['basic'], username: 'x' }, 'password'],
    [{ auth_types: ['basic'], password: 'a long password' }, 'username'],
    [{ auth_types: ['ip'], allowed_ips: ['192.0.2.1'], password: 'a long password' }, 'auth_types'],
    [{ ...login, username: 'x', allowed_ips: ['192.0.2.1'] }, 'auth_types'],
    [{ auth_types: ['ip'], allowed_ips: ['0.0.0.0/0'] }, 'allowed_ips.0'],
    [{ auth_types: ['ip'], allowed_ips: ['::/0'] }, 'allowed_ips.0'],
    [{ auth_types: ['ip'], allowed_ips: ['192.0.2.256'] }, 'allowed_ips.0'],
    [{ auth_types: ['ip'], allowed_ips: ['fe80::1%eth0'] }, 'allowed_ips.0'],
    [{ auth_types: [] }, 'auth_types'],
    [{ ...login, domain_name: 'a b' }, 'domain_name'],
  ] as const) {
    const { status, body } = await make(key, values)
    t.deepEqual([status, body.error?.details[0].field], [400, field], JSON.stringify(values))
  }
  t.is((await make(key, login)).body.error.reason, 'TRUNK_ALREADY_EXISTS')
  t.is((await make((await api().customer()).key, login)).status, 201)
  t.is((await api().get(key, '/v1.0/trunks')).body.result.length, 1)
})

test('a network is known in every way that it is written', (t) => {
  t.is(parseNetwork('2001:0db8:0000::1:0/112')?.network, '2001:db8::1:0/112')
  t.is(parseNetwork('::ffff:192.0.2.1')?.first_address, '00000000000000000000FFFFC0000201')
  t.is(parseNetwork('::')?.last_address, '0'.repeat(32))
  t.deepEqual(parseNetwork('10.1.2.3/9'), {
    network: '10.0.0.0/9',
    first_address: '0A000000',
    last_address: '0A7FFFFF',
  })
  for (const text of ['', '1.2.3', '1.2.3.4/33', '1.2.3.4/', '::/129', '1.2.3.4/8/8', 'a.b.c.d'])
    t.is(parseNetwork(text), undefined, text)
})
