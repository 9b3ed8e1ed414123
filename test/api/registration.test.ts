import test from 'ava'
import { useApi } from './support.ts'

const api = useApi(test)

async function extension() {
  const { key } = await api().customer()
  const { body } = await api().post(key, '/v1.0/extensions', { username: 'u', password: 'a password' })
  const read = async () => (await api().get(key, `/v1.0/extensions/${body.id}`)).body.registration
  return { key, id: body.id as string, read }
}

/** As Kamailio writes it; `more` are SQL expressions. */
async function register(extensionId: string, more: Record<string, string> = {}): Promise<void> {
  const row: Record<string, string> = {
    ...{ contact: "'sip:u@192.0.2.9:5062'", received: "'sip:192.0.2.9:40000;transport=udp'" },
    ...{ source_address: "'192.0.2.9:40000'", transport: "'udp'", user_agent: "'baresip'", instance: "''" },
    ...{ call_id: "'c1'", cseq: '1', path: "''", edge: "'edge1'", socket: "'udp:127.0.0.1:5060'" },
    ...{ tm_registered: 'UTC_TIMESTAMP(6)', tm_expire: 'UTC_TIMESTAMP(6) + INTERVAL 1 HOUR' },
    ...{ tm_probe: 'NULL', tm_answer: 'NULL', tm_unanswered: 'NULL', rtt_ms: 'NULL' },
    ...more,
  }
  const [names, values] = [Object.keys(row).join(', '), Object.values(row).join(', ')]
  await api().database.query(`REPLACE INTO registrations (extension_id, ${names}) VALUES (?, ${values})`, [extensionId])
}

test('an extension shows where its device is', async (t) => {
  const { id, read } = await extension()
  t.deepEqual(await read(), {
    ...{ status: 'unregistered', contact: '', source_address: '', transport: '', user_agent: '' },
    ...{ tm_registered: null, tm_expire: null, rtt_ms: null, failures: [] },
  })
  await register(id, { tm_probe: 'UTC_TIMESTAMP(6)', tm_answer: 'UTC_TIMESTAMP(6)', rtt_ms: '12' })
  const { tm_registered, tm_expire, ...rest } = await read()
  t.deepEqual(rest, {
    ...{ status: 'registered', contact: 'sip:u@192.0.2.9:5062', source_address: '192.0.2.9:40000' },
    ...{ transport: 'udp', user_agent: 'baresip', rtt_ms: 12, failures: [] },
  })
  t.regex(tm_registered, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  t.true(tm_expire > tm_registered)
})

test('a registration that ran out is none, whether its row is there or not', async (t) => {
  const { id, read } = await extension()
  await register(id, { tm_expire: 'UTC_TIMESTAMP(6)' })
  t.like(await read(), { status: 'unregistered', contact: '', tm_expire: null })
  await api().database.query('DELETE FROM registrations WHERE extension_id = ?', [id])
  t.like(await read(), { status: 'unregistered', contact: '' })
})

test('a device that leaves a probe unanswered for three seconds is unreachable, until it shows life', async (t) => {
  const { id, read } = await extension()
  const status = async (probe: number, answer?: number, more: { registered?: number; unanswered?: number } = {}) => {
    await register(id, {
      ...{ tm_registered: ago(more.registered ?? 100), tm_probe: ago(probe), tm_answer: ago(answer) },
      tm_unanswered: ago(more.unanswered),
    })
    return (await read()).status as string
  }
  t.is(await status(1), 'registered')
  t.is(await status(4), 'unreachable')
  t.is(await status(4, 20), 'unreachable')
  t.is(await status(20, 19), 'registered')
  t.is(await status(1, 20), 'registered')
  // the next probe is under way, and the one before was not answered either
  t.is(await status(1, 60, { unanswered: 30 }), 'unreachable')
  t.is(await status(1, 0.5, { unanswered: 30 }), 'registered')
  // it has registered again since
  t.is(await status(10, 60, { unanswered: 40, registered: 2 }), 'registered')
})

const ago = (seconds?: number): string =>
  seconds === undefined ? 'NULL' : `UTC_TIMESTAMP(6) - INTERVAL ${seconds * 1000} * 1000 MICROSECOND`

test('the latest failures are shown with their sources, the latest first', async (t) => {
  const { key, id, read } = await extension()
  const other = await extension()
  const rows = Array.from({ length: 15 }, (_, index) => [id, `192.0.2.${index}`, 'wrong_password', index + 1, index])
  for (const [extensionId, source, reason, count, age] of [
    ...rows,
    [other.id, '192.0.2.99', 'already_registered', 3, 0],
  ])
    await api().database.query(
      `INSERT INTO registration_failures VALUES (?, ?, ?, ?, UTC_TIMESTAMP(6) - INTERVAL 1 HOUR, UTC_TIMESTAMP(6) - INTERVAL ? SECOND, NULL, NULL)`,
      [extensionId, source, reason, count, age],
    )
  const { failures } = await read()
  t.is(failures.length, 10)
  t.like(failures[0], { source_address: '192.0.2.0', reason: 'wrong_password', count: 1 })
  t.regex(failures[0].tm_last, /\.\d{6}Z$/)
  t.deepEqual(
    failures.map((failure: { tm_last: string }) => failure.tm_last),
    failures
      .map((failure: { tm_last: string }) => failure.tm_last)
      .toSorted()
      .toReversed(),
  )
  t.deepEqual((await api().get(key, '/v1.0/extensions')).body.result[0].registration.failures, failures)
  t.like((await other.read()).failures, { length: 1, 0: { reason: 'already_registered', count: 3 } })
})

test('deleting an extension ends its registration', async (t) => {
  const { key, id } = await extension()
  await register(id)
  await api().delete(key, `/v1.0/extensions/${id}`)
  t.deepEqual(await api().database.query('SELECT * FROM registrations WHERE extension_id = ?', [id]), [])
})
