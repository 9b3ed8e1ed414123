import test from 'ava'
import { adminKey, useApi } from './support.ts'

const api = useApi(test)

test('the admin key makes, reads, lists, changes and deletes a customer', async (t) => {
  const made = await api().post(adminKey, '/v1.0/customers', { name: 'Zoë 😀', detail: 'first' })
  t.is(made.status, 201)
  const { id } = made.body
  t.deepEqual(made.body, { ...made.body, name: 'Zoë 😀', detail: 'first', tm_update: null, tm_delete: null })
  t.regex(made.body.tm_create, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  t.deepEqual((await api().get(adminKey, `/v1.0/customers/${id}`)).body, made.body)
  const changed = await api().put(adminKey, `/v1.0/customers/${id}`, { detail: 'second' })
  t.is(changed.status, 200)
  t.deepEqual(changed.body, { ...made.body, detail: 'second', tm_update: changed.body.tm_update })
  t.true(changed.body.tm_update > made.body.tm_create)
  t.true((await api().get(adminKey, '/v1.0/customers')).body.result.some((row: { id: string }) => row.id === id))
  const gone = await api().delete(adminKey, `/v1.0/customers/${id}`)
  t.is(gone.status, 200)
  t.true(gone.body.tm_delete > changed.body.tm_update)
  const again = await api().get(adminKey, `/v1.0/customers/${id}`)
  t.is(again.status, 404)
  t.is(again.body.error.reason, 'CUSTOMER_NOT_FOUND')
})

test('customers are for the admin key alone, and the admin key has no extensions', async (t) => {
  const { id, key } = await api().customer()
  for (const [method, path] of [
    ['GET', ''],
    ['POST', ''],
    ['GET', `/${id}`],
    ['PUT', `/${id}`],
    ['DELETE', `/${id}`],
  ] as const) {
    const { status, body } = await api().ask(key, method, `/v1.0/customers${path}`, { body: { name: 'x' } })
    t.is(status, 403, `${method} ${path}`)
    t.is(body.error.reason, 'PERMISSION_DENIED')
  }
  for (const plural of ['extensions', 'calls', 'activeflows'])
    t.is((await api().get(adminKey, `/v1.0/${plural}`)).status, 403)
})

test('a customer makes its own keys; the token is shown once', async (t) => {
  const { id: customer_id, key } = await api().customer()
  const made = await api().post(key, '/v1.0/accesskeys', { name: 'laptop' })
  t.is(made.status, 201)
  t.regex(made.body.token, /^hd_[0-9A-Za-z]{32}$/)
  t.is(made.body.token_prefix, made.body.token.slice(0, 11))
  t.is(made.body.customer_id, customer_id)
  const read = await api().get(key, `/v1.0/accesskeys/${made.body.id}`)
  t.is(read.status, 200)
  t.false('token' in read.body)
  t.notRegex(read.text + (await api().get(key, '/v1.0/accesskeys')).text, new RegExp(made.body.token))
  const stored = await api().database.query('SELECT * FROM accesskeys WHERE id = ?', [made.body.id])
  t.notRegex(JSON.stringify(stored), new RegExp(made.body.token))
  const changed = await api().put(key, `/v1.0/accesskeys/${made.body.id}`, { tm_expire: '2099-01-02T03:04:05Z' })
  t.is(changed.body.tm_expire, '2099-01-02T03:04:05.000000Z')
  t.is((await api().put(key, `/v1.0/accesskeys/${made.body.id}`, { tm_expire: null })).body.tm_expire, null)
})

test('a customer cannot make, see, change or delete the keys of another', async (t) => {
  const [mine, other] = [await api().customer(), await api().customer()]
  t.is((await api().post(mine.key, '/v1.0/accesskeys', { customer_id: other.id })).status, 403)
  t.is((await api().post(mine.key, '/v1.0/accesskeys', { customer_id: mine.id })).status, 201)
  const { body } = await api().get(other.key, '/v1.0/accesskeys')
  const [theirs] = body.result
  t.is((await api().get(mine.key, `/v1.0/accesskeys/${theirs.id}`)).status, 404)
  t.is((await api().put(mine.key, `/v1.0/accesskeys/${theirs.id}`, { name: 'mine' })).status, 404)
  t.is((await api().delete(mine.key, `/v1.0/accesskeys/${theirs.id}`)).status, 404)
  const sneaky = await api().get(mine.key, `/v1.0/accesskeys?customer_id=${other.id}`)
  t.true(sneaky.body.result.every((row: { customer_id: string }) => row.customer_id === mine.id))
})

test('the admin key makes a key for any customer that exists, and must say which', async (t) => {
  const { id: customer_id } = await api().customer()
  const missing = await api().post(adminKey, '/v1.0/accesskeys', { name: 'x' })
  t.is(missing.status, 400)
  t.is(missing.body.error.details[0].field, 'customer_id')
  const unknown = await api().post(adminKey, '/v1.0/accesskeys', { customer_id: crypto.randomUUID() })
  t.is(unknown.status, 404)
  t.is(unknown.body.error.reason, 'CUSTOMER_NOT_FOUND')
  const { body } = await api().get(adminKey, `/v1.0/accesskeys?customer_id=${customer_id}`)
  t.deepEqual(
    body.result.map((row: { customer_id: string }) => row.customer_id),
    [customer_id],
  )
})

test('an expiry must be a time that is still to come', async (t) => {
  const { key } = await api().customer()
  const far = ['+275760-01-01T00:00:00Z', '+010000-01-01T00:00:00Z', '9999-12-31T23:59:59-05:00']
  for (const tm_expire of ['2001-01-01T00:00:00Z', ...far, 'tomorrow', 1, '']) {
    const { status, body } = await api().post(key, '/v1.0/accesskeys', { tm_expire })
    t.is(status, 400, String(tm_expire))
    t.is(body.error.details[0].field, 'tm_expire')
  }
})

test('deleting a customer deletes everything that it had', async (t) => {
  const { id, key } = await api().customer()
  const { body: extension } = await api().post(key, '/v1.0/extensions', { username: 'gone', password: 'a password' })
  await api().delete(adminKey, `/v1.0/customers/${id}`)
  for (const sql of [
    'SELECT * FROM accesskeys WHERE customer_id = ?',
    'SELECT * FROM extensions WHERE customer_id = ?',
    'SELECT * FROM directs WHERE customer_id = ?',
  ])
    t.deepEqual(await api().database.query(sql, [id]), [])
  t.deepEqual(await api().database.query('SELECT * FROM subscriber WHERE extension_id = ?', [extension.id]), [])
})
