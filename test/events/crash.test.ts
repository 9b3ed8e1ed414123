import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import test, { type TestFn } from 'ava'
import { KeyRing } from '../../src/database/secrets.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { listener } from '../actions/support.ts'
import { useApi } from '../api/support.ts'
import { happen, happened, verified } from './support.ts'

const key = randomBytes(32)
const api = useApi(test.serial as unknown as TestFn, { secrets: new KeyRing([{ id: 'k1', key }]) })

const program = new URL('crash-process.ts', import.meta.url).pathname

async function databaseUrl(): Promise<string> {
  const { host, port, username, password, database } = api().database.options as unknown as Record<string, string>
  return `mysql://${username}:${password}@${host}:${port}/${database}`
}

async function start(): Promise<ChildProcess> {
  const flags = ['--import', 'tsx', program, await databaseUrl(), key.toString('base64')]
  return spawn(process.execPath, flags, { stdio: ['ignore', 'inherit', 'inherit'] })
}

test('killed in the middle again and again, each event arrives with its id, in order per resource', async (t) => {
  const [events, resources, kills] = [300, 10, 3]
  const { url, asked } = await listener(t, (_asked, response) => void setTimeout(() => response.end(), 20))
  const { id: customer, key: token } = await api().customer()
  const { body: webhook } = await api().post(token, '/v1.0/webhooks', { uri: url, event_types: ['call'] })
  let running = await start()
  t.teardown(() => running.kill('SIGKILL'))
  const sent = Array.from({ length: events }, (_, count) =>
    happened(customer, 'call_updated', `r${count % resources}`, { count }),
  )
  const writing = (async () => {
    for (const one of sent) await happen(api().database, one)
  })()
  for (let kill = 1; kill <= kills; kill++) {
    const enough = (events / (kills + 1)) * kill
    t.true(await becomesTrue(60_000, () => new Set(asked.map(({ body }) => body)).size >= enough))
    const gone = once(running, 'exit')
    running.kill('SIGKILL')
    await gone
    running = await start()
  }
  await writing
  t.true(await becomesTrue(60_000, () => new Set(asked.map(({ body }) => body)).size === events))
  const got = asked.map((one) => verified(webhook.secret, one))
  t.deepEqual([...new Set(got.map(({ id }) => id))].sort(), sent.map(({ id }) => id).sort())
  for (let resource = 0; resource < resources; resource++) {
    const counts = got.flatMap(({ resource_id, data }) => (resource_id === `r${resource}` ? Number(data.count) : []))
    // What was under way at a kill comes again, before anything that is later.
    t.deepEqual(
      counts,
      [...counts].sort((one, other) => one - other),
    )
  }
})
