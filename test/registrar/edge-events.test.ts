import test, { type ExecutionContext } from 'ava'
import { openDatabase } from '../../src/database.ts'
import { createLogger } from '../../src/log.ts'
import { EdgeEvents } from '../../src/registrar/edge-events.ts'
import { operatorId } from '../../src/registrar/edge-reports.ts'
import { extensionEvents } from '../../src/resources/extension-events.ts'
import { entities } from '../../src/resources/index.ts'
import { rest } from '../../src/stack/rest.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { base, Edge, register, type Account } from '../kamailio/edge.ts'
import { sharedStack } from '../support/setup.ts'

interface Told {
  type: string
  resource_id: string
  data: { username: string; registration: { status: string; contact: string; source_address: string } }
}

/** What was told of an extension so far, the oldest first; by the Hashdial of the shared stack. */
async function told(edge: Edge, { id }: Account): Promise<Told[]> {
  const rows = await edge.rows('SELECT * FROM events WHERE resource_id = ? ORDER BY tm_create, id', id)
  return rows.map((row) => ({ ...row, data: JSON.parse(row.data as string) as Told['data'] }) as unknown as Told)
}

const types = async (edge: Edge, account: Account): Promise<string[]> =>
  (await told(edge, account)).map(({ type }) => type.replace('extension_', ''))

async function tells(t: ExecutionContext, edge: Edge, account: Account, expected: string[], milliseconds = 5_000) {
  await becomesTrue(milliseconds, async () => (await types(edge, account)).length >= expected.length)
  t.deepEqual(await types(edge, account), expected)
}

/** Another process that looks at the same tables. */
async function another(t: ExecutionContext): Promise<EdgeEvents> {
  const database = await openDatabase((await sharedStack()).databaseUrl, { entities })
  t.teardown(() => database.destroy())
  return new EdgeEvents(database, createLogger('silent'), extensionEvents({ baseDomain: base }))
}

test('a registration is told once with the extension as GET shows it, a refresh is not, and its end is', async (t) => {
  const edge = await Edge.open(t)
  const account = await edge.account()
  const device = await edge.device()
  const call = { callId: 'a phone' }
  t.is((await register(device, account, call)).status, 200)
  await tells(t, edge, account, ['registered'])
  const [{ data }] = (await told(edge, account)) as [Told]
  t.is(data.username, account.username)
  t.like(data.registration, { status: 'registered', contact: `sip:client@127.0.0.1:${device.port}` })
  t.false(JSON.stringify(data).includes('ha1'))
  for (let n = 0; n < 3; n++) t.is((await register(device, account, call)).status, 200)
  t.is((await register(device, account, { ...call, extra: ['Expires: 0'] })).status, 200)
  await tells(t, edge, account, ['registered', 'unregistered'])
  const ended = (await told(edge, account)).at(-1)!
  t.is(ended.data.registration.status, 'unregistered')
  t.is((await register(device, account, call)).status, 200)
  await tells(t, edge, account, ['registered', 'unregistered', 'registered'])
})

test('a second device and wrong passwords are told, and a flood of them in few events', async (t) => {
  const edge = await Edge.open(t)
  const account = await edge.account()
  const [first, second] = [await edge.device(), await edge.client()]
  t.is((await register(first, account)).status, 200)
  await tells(t, edge, account, ['registered'])
  t.is((await register(second, account)).status, 403)
  await tells(t, edge, account, ['registered', 'registration_duplicate'])
  for (let n = 0; n < 40; n++) await register(second, { ...account, password: 'wrong' })
  await tells(t, edge, account, ['registered', 'registration_duplicate', 'registration_failed'])
  const [, , failure] = await told(edge, account)
  const { failures } = failure!.data.registration as unknown as {
    failures: { reason: string; source_address: string }[]
  }
  t.true(failures.some(({ reason, source_address }) => reason === 'wrong_password' && source_address === '127.0.0.1'))
})

test('a device that misses its probe is told to be unreachable, and to be registered when it answers again', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_PROBE_SECONDS: '2' } })
  const account = await edge.account()
  const device = await edge.device()
  t.is((await register(device, account)).status, 200)
  await tells(t, edge, account, ['registered'])
  const answering = device.socket.listeners('message')
  device.socket.removeAllListeners('message')
  await tells(t, edge, account, ['registered', 'unreachable'], 20_000)
  for (const listener of answering) device.socket.on('message', listener as () => void)
  await tells(t, edge, account, ['registered', 'unreachable', 'registered'], 20_000)
})

test('what was lost between the registration and its note is found by the sweep, and told once', async (t) => {
  const edge = await Edge.open(t)
  const account = await edge.account()
  await edge.rows(
    `INSERT INTO registrations (extension_id, contact, received, source_address, transport, user_agent, instance, call_id, cseq,
       path, edge, socket, tm_begin, tm_registered, tm_expire) VALUES (?, 'sip:a@127.0.0.1', '', '127.0.0.1', 'udp', '', '', 'c', 1, '',
       'edge', '', UTC_TIMESTAMP(6) - INTERVAL 9 SECOND, UTC_TIMESTAMP(6) - INTERVAL 9 SECOND, UTC_TIMESTAMP(6) + INTERVAL 1 HOUR)`,
    account.id,
  )
  t.deepEqual(await types(edge, account), [])
  const [one, other] = [await another(t), await another(t)]
  // Whoever finds another process at it leaves it to that one, which may only have looked for what is new.
  const sweeps = (count: number) =>
    becomesTrue(10_000, async () => {
      await Promise.all([one.sweep(), other.sweep()])
      return (await types(edge, account)).length >= count
    })
  await sweeps(1)
  await tells(t, edge, account, ['registered'])
  await edge.rows('DELETE FROM registrations WHERE extension_id = ?', account.id)
  await sweeps(2)
  await tells(t, edge, account, ['registered', 'unregistered'])
})

test('a source that guesses addresses is told to the operator, and to nobody else', async (t) => {
  const edge = await Edge.open(t)
  const stack = await sharedStack()
  const source = `192.0.2.${Math.floor(Math.random() * 250)}`
  const admin = rest(stack.apiUrl, stack.adminKey)
  await edge.rows(
    `INSERT INTO guess_blocks (edge, source_address, misses, tm_create, tm_expire)
     VALUES (?, ?, 21, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 300 SECOND)`,
    ...[edge.name, source],
  )
  const path = `/events?type=direct_scan_detected&resource_id=${encodeURIComponent(source)}`
  type Events = { result: { type: string; customer_id: string; data: object }[] }
  t.true(await becomesTrue(5_000, async () => (await admin<Events>('GET', path)).body.result?.length === 1))
  const [event] = (await admin<Events>('GET', path)).body.result
  t.is(event!.customer_id, operatorId)
  t.like(event!.data, { source_address: source, misses: 21, edge: edge.name })
})

test('an extension that is deleted leaves nothing that waits to be told', async (t) => {
  const edge = await Edge.open(t)
  const account = await edge.account()
  t.is((await register(await edge.device(), account)).status, 200)
  await tells(t, edge, account, ['registered'])
  await edge.rows(
    "INSERT INTO registration_changes (extension_id, status, tm_begin, tm_create) VALUES (?, 'unregistered', NOW(6), NOW(6))",
    account.id,
  )
  await edge.rows('DELETE FROM extensions WHERE id = ?', account.id)
  const left = async () => [
    ...(await edge.rows('SELECT extension_id FROM registration_changes WHERE extension_id = ?', account.id)),
    ...(await edge.rows('SELECT extension_id FROM registration_states WHERE extension_id = ?', account.id)),
  ]
  t.true(await becomesTrue(5_000, async () => (await left()).length === 0))
})
