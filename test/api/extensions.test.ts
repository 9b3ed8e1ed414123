import { createHash } from 'node:crypto'
import test from 'ava'
import { useApi } from './support.ts'

const api = useApi(test)
const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
const password = 'correct horse'

test('a new extension has its account for Kamailio and a direct address, and shows no password', async (t) => {
  const { id: customer_id, key } = await api().customer()
  const body = { name: 'Front desk', detail: 'd', username: 'office1', password }
  const { status, body: made, text } = await api().post(key, '/v1.0/extensions', body)
  t.is(status, 201)
  t.is(made.customer_id, customer_id)
  t.is(made.username, 'office1')
  t.is(made.domain_name, `${customer_id}.registrar.hashdial.test`)
  t.regex(made.direct_hash, /^[0-9a-f]{12}$/)
  t.is(made.direct_uri, `sip:direct.${made.direct_hash}@sip.hashdial.test`)
  t.is(made.registration.status, 'unregistered')
  t.false(text.includes(password))
  const [account] = await api().database.query('SELECT * FROM subscriber WHERE extension_id = ?', [made.id])
  t.like(account, {
    ...{ username: 'office1', domain: made.domain_name, password: '' },
    ha1: md5(`office1:hashdial.test:${password}`),
    ha1b: md5(`office1@${made.domain_name}:hashdial.test:${password}`),
  })
  t.deepEqual((await api().get(key, `/v1.0/extensions/${made.id}`)).body, made)
  t.deepEqual((await api().get(key, '/v1.0/extensions')).body.result, [made])
})

test('extension is another name for username', async (t) => {
  const { key } = await api().customer()
  const make = (body: object) => api().post(key, '/v1.0/extensions', { password, ...body })
  const { status, body } = await make({ extension: 'a1' })
  t.deepEqual([status, body.username, body.extension], [201, 'a1', 'a1'])
  t.is((await make({ extension: 'a2', username: 'a2' })).status, 201)
  const differ = await make({ extension: 'a3', username: 'a4' })
  t.is(differ.status, 400)
  t.regex(differ.body.error.message, /another name for "username"/)
  t.regex((await make({})).body.error.message, /"username" is required/)
})

test('a taken username is 409, within the customer only', async (t) => {
  const [mine, other] = [await api().customer(), await api().customer()]
  t.is((await api().post(mine.key, '/v1.0/extensions', { username: 'x', password })).status, 201)
  const { status, body } = await api().post(mine.key, '/v1.0/extensions', { username: 'x', password })
  t.is(status, 409)
  t.is(body.error.status, 'ALREADY_EXISTS')
  t.is(body.error.reason, 'EXTENSION_ALREADY_EXISTS')
  t.is(body.error.details[0].field, 'username')
  t.is((await api().post(mine.key, '/v1.0/extensions', { username: 'X', password })).status, 201)
  t.is((await api().post(other.key, '/v1.0/extensions', { username: 'x', password })).status, 201)
})

test('of many who want a username at once, one gets it', async (t) => {
  const { id, key } = await api().customer()
  const make = () => api().post(key, '/v1.0/extensions', { username: 'wanted', password })
  const answers = await Promise.all(Array.from({ length: 30 }, make))
  const statuses = answers.map(({ status }) => status)
  t.is(statuses.filter((status) => status === 201).length, 1)
  t.is(statuses.filter((status) => status === 409).length, 29)
  const count = (table: string) =>
    api().database.query(
      `SELECT COUNT(*) AS n FROM ${table} t JOIN extensions e ON e.customer_id = ?
      AND e.id = t.${table === 'directs' ? 'resource_id' : 'extension_id'}`,
      [id],
    )
  t.deepEqual([await count('directs'), await count('subscriber')], [[{ n: 1 }], [{ n: 1 }]])
})

test('many extensions are made at once without one being lost', async (t) => {
  const { key } = await api().customer()
  const names = Array.from({ length: 60 }, (_, index) => `many${index}`)
  const answers = await Promise.all(
    names.map((username) => api().post(key, '/v1.0/extensions', { username, password })),
  )
  t.true(answers.every(({ status }) => status === 201))
  t.is((await api().get(key, '/v1.0/extensions')).body.result.length, 60)
})

test('an update changes what it names, and the password only for the device', async (t) => {
  const { key } = await api().customer()
  const { body: made } = await api().post(key, '/v1.0/extensions', { username: 'u', password, detail: 'kept' })
  const changed = await api().put(key, `/v1.0/extensions/${made.id}`, { name: 'new', password: 'another one' })
  t.is(changed.status, 200)
  t.deepEqual(changed.body, { ...made, name: 'new', tm_update: changed.body.tm_update })
  const [{ ha1 }] = await api().database.query('SELECT ha1 FROM subscriber WHERE extension_id = ?', [made.id])
  t.is(ha1, md5('u:hashdial.test:another one'))
  for (const field of ['username', 'extension']) {
    const fixed = await api().put(key, `/v1.0/extensions/${made.id}`, { [field]: 'v' })
    t.is(fixed.status, 400)
    t.regex(fixed.body.error.message, /is fixed/)
  }
})

test('another customer’s extension is as unknown as one that never was', async (t) => {
  const [mine, other] = [await api().customer(), await api().customer()]
  const { body: theirs } = await api().post(other.key, '/v1.0/extensions', { username: 'u', password })
  for (const id of [theirs.id, crypto.randomUUID()]) {
    const answers = [
      await api().get(mine.key, `/v1.0/extensions/${id}`),
      await api().put(mine.key, `/v1.0/extensions/${id}`, { name: 'mine', direct: false }),
      await api().post(mine.key, `/v1.0/extensions/${id}/direct-hash-regenerate`),
      await api().delete(mine.key, `/v1.0/extensions/${id}`),
    ]
    for (const { status, body } of answers) {
      t.is(status, 404)
      t.is(body.error.reason, 'EXTENSION_NOT_FOUND')
    }
  }
  t.deepEqual((await api().get(other.key, `/v1.0/extensions/${theirs.id}`)).body, theirs)
})

test('a deleted extension leaves nothing behind', async (t) => {
  const { key } = await api().customer()
  const { body: made } = await api().post(key, '/v1.0/extensions', { username: 'u', password })
  const gone = await api().delete(key, `/v1.0/extensions/${made.id}`)
  t.is(gone.status, 200)
  t.is(gone.body.direct_hash, made.direct_hash)
  t.regex(gone.body.tm_delete, /Z$/)
  for (const [table, column] of [
    ['extensions', 'id'],
    ['subscriber', 'extension_id'],
    ['directs', 'resource_id'],
  ])
    t.deepEqual(await api().database.query(`SELECT * FROM ${table} WHERE ${column} = ?`, [made.id]), [], table)
  t.is((await api().delete(key, `/v1.0/extensions/${made.id}`)).status, 404)
  t.is((await api().post(key, '/v1.0/extensions', { username: 'u', password })).status, 201)
})

test('usernames and passwords keep their rules, and every wrong field is named', async (t) => {
  const { key } = await api().customer()
  const make = (body: object) => api().post(key, '/v1.0/extensions', { username: 'ok', password, ...body })
  for (const username of ["o'brien", 'a%27b', 'a b', '', 'a'.repeat(65), 'a'.repeat(300), 'ö', 'a@b', 1, null, ['a']]) {
    const { status, body } = await make({ username })
    t.is(status, 400, String(username))
    t.is(body.error.details[0].field, 'username')
  }
  for (const wrong of ['1234567', 'a'.repeat(129), 'pässword1', 'pass\nword1', '', null, 12345678]) {
    const { status, body } = await make({ password: wrong })
    t.is(status, 400, String(wrong))
    t.is(body.error.details[0].field, 'password')
  }
  const all = await make({ username: 'a b', password: 'short', name: 'n'.repeat(256), colour: 'red', direct: true })
  t.deepEqual(all.body.error.details.map(({ field }: { field: string }) => field).sort(), [
    ...['colour', 'direct', 'name', 'password', 'username'],
  ])
  t.is((await make({ username: 'A.b_c-9', password: '~'.repeat(128) })).status, 201)
  t.deepEqual(
    (await api().get(key, '/v1.0/extensions')).body.result.map(({ username }: { username: string }) => username),
    ['A.b_c-9'],
  )
})
