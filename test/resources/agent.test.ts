import test from 'ava'
import { resolve } from '../../src/directs/issue.ts'
import { adminKey, useApi } from '../api/support.ts'

const api = useApi(test)
const id = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

async function tag(key: string, name = 'a tag'): Promise<string> {
  return (await api().post(key, '/v1.0/tags', { name })).body.id
}

async function agent(key: string, values: object = {}) {
  return api().post(key, '/v1.0/agents', { username: 'jane', password: 'a long password', ...values })
}

/** What happened to a resource, in its order. */
async function happened(resource: string): Promise<{ type: string; data: Record<string, unknown> }[]> {
  const rows: { type: string; data: string }[] = await api().database.query(
    'SELECT type, data FROM events WHERE resource_id = ? ORDER BY insertion',
    [resource],
  )
  return rows.map(({ type, data }) => ({ type, data: JSON.parse(data) }))
}

test('an agent begins offline, and its password is shown nowhere', async (t) => {
  const { key, id: customer_id } = await api().customer()
  const { status, body, text } = await agent(key, { name: 'Jane', detail: 'second floor' })
  t.is(status, 201)
  t.deepEqual(body, {
    ...{ id: body.id, customer_id, name: 'Jane', detail: 'second floor', username: 'jane', ring_method: 'ring_all' },
    ...{ status: 'offline', status_reason: '', tm_status: body.tm_create, tag_ids: [], addresses: [] },
    ...{ direct_hash: '', direct_uri: '' },
    ...{ tm_create: body.tm_create, tm_update: null, tm_delete: null },
  })
  t.notRegex(text, /password|scrypt/)
  const path = `/v1.0/agents/${body.id}`
  const changed = await api().put(key, path, { name: 'Jane Doe', ring_method: 'linear' })
  t.like(changed.body, { name: 'Jane Doe', ring_method: 'linear', username: 'jane', detail: 'second floor' })
  const deleted = await api().delete(key, path)
  t.truthy(deleted.body.tm_delete)
  t.is((await api().get(key, path)).body.error.reason, 'AGENT_NOT_FOUND')
  const events = await happened(body.id)
  t.deepEqual(
    events.map(({ type }) => type),
    ['agent_created', 'agent_updated', 'agent_deleted'],
  )
  t.notRegex(JSON.stringify(events), /password|scrypt/)
})

test('an agent has a direct address from the first regenerate on, and loses it with its row', async (t) => {
  const { key } = await api().customer()
  const { body } = await agent(key)
  const path = `/v1.0/agents/${body.id}`
  const { body: first } = await api().post(key, `${path}/direct-hash-regenerate`)
  t.regex(first.direct_uri, /^sip:direct\.[0-9a-f]{12}@sip\.hashdial\.test$/)
  t.is((await api().get(key, path)).body.direct_hash, first.direct_hash)
  const { body: second } = await api().post(key, `${path}/direct-hash-regenerate`)
  t.not(second.direct_hash, first.direct_hash)
  t.is((await api().delete(key, path)).status, 200)
  t.is(await resolve(api().database, second.direct_hash), null)
})

test('the password is kept as scrypt with its costs, and another one as another', async (t) => {
  const { key } = await api().customer()
  const { body } = await agent(key)
  const kept = async (): Promise<string> =>
    (await api().database.query('SELECT password_hash FROM agents WHERE id = ?', [body.id]))[0].password_hash
  const before = await kept()
  t.regex(before, /^scrypt\$16384\$8\$1\$[A-Za-z0-9+/=]{24}\$[A-Za-z0-9+/=]{44}$/)
  await api().put(key, `/v1.0/agents/${body.id}`, { name: 'other' })
  t.is(await kept(), before)
  await api().put(key, `/v1.0/agents/${body.id}`, { password: 'a long password' })
  t.not(await kept(), before)
})

test('a username belongs to one agent of a customer, and is fixed', async (t) => {
  const [one, other] = [await api().customer(), await api().customer()]
  const { body } = await agent(one.key)
  t.like((await agent(one.key)).body.error, { reason: 'AGENT_ALREADY_EXISTS', details: [{ field: 'username' }] })
  t.is((await agent(one.key, { username: 'JANE' })).status, 201)
  t.is((await agent(other.key)).status, 201)
  t.is((await api().get(other.key, `/v1.0/agents/${body.id}`)).status, 404)
  for (const username of ['', 'ja ne', 'jané', 'a'.repeat(65), null, undefined])
    t.is((await agent(one.key, { username })).status, 400, String(username))
  for (const password of ['', 'short', undefined]) t.is((await agent(one.key, { username: 'x', password })).status, 400)
  const renamed = await api().put(one.key, `/v1.0/agents/${body.id}`, { username: 'june' })
  t.regex(renamed.body.error.message, /is fixed/)
  t.is((await api().get(adminKey, '/v1.0/agents')).status, 403)
})

test('a person says available, away or offline, and why; ringing and busy come with calls', async (t) => {
  const { key } = await api().customer()
  const { body } = await agent(key)
  const path = `/v1.0/agents/${body.id}`
  const { body: away } = await api().put(key, `${path}/status`, { status: 'away', reason: 'lunch' })
  t.like(away, { status: 'away', status_reason: 'lunch' })
  t.true(away.tm_status > body.tm_status)
  const { body: still } = await api().put(key, `${path}/status`, { status: 'away' })
  t.like(still, { status: 'away', status_reason: '', tm_status: away.tm_status })
  for (const status of ['busy', 'ringing', 'asleep', undefined])
    t.is((await api().put(key, `${path}/status`, { status })).status, 400, status)
  const elsewhere = await api().put(key, path, { status: 'available' })
  t.regex(elsewhere.body.error.message, /PUT it to \/status of the agent/)
  t.is((await agent(key, { username: 'x', status: 'available' })).status, 400)
  t.is((await api().put(key, `/v1.0/agents/${id(1)}/status`, { status: 'away' })).status, 404)
  const events = await happened(body.id)
  t.deepEqual(
    events.map(({ type, data }) => [type, data.status, data.status_reason]),
    [
      ['agent_created', 'offline', ''],
      ['agent_status_updated', 'away', 'lunch'],
      ['agent_status_updated', 'away', ''],
    ],
  )
})

test('tags are given by their ids, or with how good the agent is at them, and shown with that', async (t) => {
  const { key } = await api().customer()
  const [german, french] = [await tag(key, 'German'), await tag(key, 'French')]
  const { body } = await agent(key, { tag_ids: [german, { tag_id: french, level: 10 }] })
  const both = [
    { tag_id: french, level: 10 },
    { tag_id: german, level: 1 },
  ]
  t.deepEqual(body.tag_ids, both)
  const path = `/v1.0/agents/${body.id}`
  t.deepEqual((await api().put(key, path, { name: 'x' })).body.tag_ids, both)
  t.deepEqual((await api().put(key, `${path}/tag_ids`, { tag_ids: both })).body.tag_ids, both)
  t.deepEqual((await api().get(key, '/v1.0/agents')).body.result[0].tag_ids, both)
  const { body: one } = await api().put(key, `${path}/tag_ids`, { tag_ids: [{ tag_id: german, level: 3 }] })
  t.deepEqual(one.tag_ids, [{ tag_id: german, level: 3 }])
  t.deepEqual((await api().put(key, path, { tag_ids: [] })).body.tag_ids, [])
})

test('a tag that the customer has not is named, and nothing is changed', async (t) => {
  const [{ key }, other] = [await api().customer(), await api().customer()]
  const [own, foreign] = [await tag(key), await tag(other.key)]
  const { body } = await agent(key, { tag_ids: [own] })
  const path = `/v1.0/agents/${body.id}`
  const { body: refused } = await api().put(key, `${path}/tag_ids`, { tag_ids: [own, foreign, { tag_id: id(9) }] })
  t.deepEqual(refused.error.details, [
    { field: 'tag_ids.1', problem: `you have no tag with the id ${foreign}` },
    { field: 'tag_ids.2', problem: `you have no tag with the id ${id(9)}` },
  ])
  t.is((await agent(key, { username: 'x', tag_ids: [foreign] })).status, 400)
  for (const wrong of [
    [own, own],
    [own, { tag_id: own }],
    [{ tag_id: own, level: 0 }],
    [{ tag_id: own, level: 11 }],
    1,
  ])
    t.is((await api().put(key, `${path}/tag_ids`, { tag_ids: wrong })).status, 400, JSON.stringify(wrong))
  t.deepEqual((await api().get(key, path)).body.tag_ids, [{ tag_id: own, level: 1 }])
})

test('a tag that is deleted is taken from its agents', async (t) => {
  const { key } = await api().customer()
  const [kept, gone] = [await tag(key), await tag(key)]
  t.is((await api().put(key, `/v1.0/tags/${gone}`, { name: 'other' })).body.name, 'other')
  const { body } = await agent(key, { tag_ids: [kept, gone] })
  t.is((await api().delete(key, `/v1.0/tags/${gone}`)).status, 200)
  t.deepEqual((await api().get(key, `/v1.0/agents/${body.id}`)).body.tag_ids, [{ tag_id: kept, level: 1 }])
  t.is((await api().get(key, `/v1.0/tags/${gone}`)).body.error.reason, 'TAG_NOT_FOUND')
})

test('an address is an extension of the customer, a SIP address that it may call, or a number', async (t) => {
  const [{ key, id: customer_id }, other] = [await api().customer(), await api().customer()]
  const extension = { username: '1001', password: 'a long password' }
  const { body: own } = await api().post(key, '/v1.0/extensions', extension)
  const { body: foreign } = await api().post(other.key, '/v1.0/extensions', extension)
  const addresses = [
    { type: 'extension', target_name: '1001' },
    { type: 'sip', target: 'sip:jane@example.com', target_name: 'at home' },
    { type: 'tel', target: '+4930123456' },
  ]
  const shown = [
    { type: 'extension', target: own.id, target_name: '1001' },
    { type: 'sip', target: 'sip:jane@example.com', target_name: 'at home' },
    { type: 'tel', target: '+4930123456', target_name: '' },
  ]
  const { body } = await agent(key, { addresses })
  t.deepEqual(body.addresses, shown)
  const path = `/v1.0/agents/${body.id}/addresses`
  t.deepEqual((await api().put(key, path, { addresses: shown })).body.addresses, shown, 'as they are shown')
  for (const [wrong, field] of [
    [{ type: 'extension', target: foreign.id }, 'addresses.0.target'],
    [{ type: 'extension', target_name: '1002' }, 'addresses.0.target_name'],
    [{ type: 'sip', target: `sip:1001@${other.id}.registrar.hashdial.test` }, 'addresses.0.target'],
    [{ type: 'sip', target: 'jane' }, 'addresses.0.target'],
    [{ type: 'tel', target: '030' }, 'addresses.0.target'],
    [{ type: 'agent', target: body.id }, 'addresses.0.type'],
  ] as const) {
    const refused = await api().put(key, path, { addresses: [wrong] })
    t.deepEqual([refused.status, refused.body.error.details[0].field], [400, field], JSON.stringify(wrong))
  }
  const device = [{ type: 'sip', target: `sip:1001@${customer_id}.registrar.hashdial.test`, target_name: '' }]
  t.deepEqual((await api().put(key, path, { addresses: device })).body.addresses, device)
})
