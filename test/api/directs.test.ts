import test from 'ava'
import { Direct } from '../../src/directs/direct.ts'
import { issue, regenerate, resolve } from '../../src/directs/issue.ts'
import { useApi } from './support.ts'

const api = useApi(test)

async function extension() {
  const customer = await api().customer()
  const { body } = await api().post(customer.key, '/v1.0/extensions', { username: 'u', password: 'a password' })
  return { ...customer, path: `/v1.0/extensions/${body.id}`, row: body }
}

test('regenerating gives another hash, and the old one leads nowhere when the answer is here', async (t) => {
  const { key, path, row } = await extension()
  const { status, body } = await api().post(key, `${path}/direct-hash-regenerate`)
  t.is(status, 200)
  t.regex(body.direct_hash, /^[0-9a-f]{12}$/)
  t.not(body.direct_hash, row.direct_hash)
  t.deepEqual(body, { ...row, ...pick(body, 'direct_hash', 'direct_uri', 'tm_update') })
  t.is(await resolve(api().database, row.direct_hash), null)
  t.like(await resolve(api().database, body.direct_hash), { resource_type: 'extension', resource_id: row.id })
})

test('of 200 regenerations at once each gives its own hash, and exactly the last one lives', async (t) => {
  const { key, path, row } = await extension()
  const all = Array.from({ length: 200 }, () => api().post(key, `${path}/direct-hash-regenerate`))
  const answers = await Promise.all(all)
  t.true(answers.every(({ status }) => status === 200))
  const hashes = answers.map(({ body }) => body.direct_hash as string)
  t.is(new Set(hashes).size, 200)
  const living = await api().database.getRepository(Direct).findBy({ resource_id: row.id })
  t.is(living.length, 1)
  const resolved = await Promise.all(hashes.map((hash) => resolve(api().database, hash)))
  t.deepEqual(
    resolved.filter((direct) => direct !== null).map(({ hash }) => hash),
    [living[0]!.hash],
  )
})

test('direct false takes the address away, true gives one, and an address that is there stays', async (t) => {
  const { key, path, row } = await extension()
  t.is((await api().put(key, path, { direct: true })).body.direct_hash, row.direct_hash)
  const without = (await api().put(key, path, { direct: false })).body
  t.deepEqual([without.direct_hash, without.direct_uri], ['', ''])
  t.is(await resolve(api().database, row.direct_hash), null)
  t.is((await api().put(key, path, { direct: false })).body.direct_hash, '')
  const again = (await api().put(key, path, { direct: true })).body
  t.regex(again.direct_hash, /^[0-9a-f]{12}$/)
  t.not(again.direct_hash, row.direct_hash)
  await api().put(key, path, { direct: false })
  t.regex((await api().post(key, `${path}/direct-hash-regenerate`)).body.direct_hash, /^[0-9a-f]{12}$/)
})

test('direct_regenerate does the same as the path of that name', async (t) => {
  const { key, path, row } = await extension()
  const changed = (await api().put(key, path, { direct_regenerate: true, direct: true })).body
  t.not(changed.direct_hash, row.direct_hash)
  t.is((await api().put(key, path, { direct_regenerate: false })).body.direct_hash, changed.direct_hash)
  const both = await api().put(key, path, { direct: false, direct_regenerate: true })
  t.is(both.status, 400)
  t.is((await api().get(key, path)).body.direct_hash, changed.direct_hash)
  for (const wrong of ['true', 1, null]) t.is((await api().put(key, path, { direct: wrong })).status, 400)
})

test('regenerate has no body', async (t) => {
  const { key, path } = await extension()
  t.is((await api().post(key, `${path}/direct-hash-regenerate`, {})).status, 200)
  const { status, body } = await api().post(key, `${path}/direct-hash-regenerate`, { hash: 'mine' })
  t.is(status, 400)
  t.is(body.error.details[0].field, 'hash')
})

test('a hash that someone else has already is drawn again', async (t) => {
  const { id, row } = await extension()
  const other = await extension()
  const drawn = [row.direct_hash, row.direct_hash, 'cafecafecafe', row.direct_hash, 'beefbeefbeef']
  const source = { hashBytes: 6, random: () => drawn.shift()! }
  const owner = { type: 'extension', id: other.row.id, customer_id: other.id }
  await regenerate(api().database.manager, owner, source)
  t.like(await resolve(api().database, 'cafecafecafe'), { resource_id: other.row.id })
  t.like(await resolve(api().database, row.direct_hash), { resource_id: row.id, customer_id: id })
  await issue(api().database.manager, { ...owner, id: crypto.randomUUID() }, source)
  t.truthy(await resolve(api().database, 'beefbeefbeef'))
})

test('more bytes make a longer hash, and the shorter ones go on working', async (t) => {
  const { id: customer_id, row } = await extension()
  const owner = { type: 'extension', id: crypto.randomUUID(), customer_id }
  await issue(api().database.manager, owner, { hashBytes: 16 })
  const { hash } = await api().database.getRepository(Direct).findOneByOrFail({ resource_id: owner.id })
  t.regex(hash, /^[0-9a-f]{32}$/)
  t.truthy(await resolve(api().database, row.direct_hash))
})

test('a hash is compared to the letter', async (t) => {
  const { row } = await extension()
  const owner = { type: 'extension', id: crypto.randomUUID(), customer_id: row.customer_id }
  await issue(api().database.manager, owner, { hashBytes: 6, random: () => 'abcdefabcdef' })
  for (const hash of ['ABCDEFABCDEF', 'abcdefabcdef ', 'abcdefabcde', 'abcdefabcdé', ''])
    t.is(await resolve(api().database, hash), null, hash)
  t.truthy(await resolve(api().database, 'abcdefabcdef'))
})

function pick(row: Record<string, unknown>, ...names: string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, row[name]]))
}
