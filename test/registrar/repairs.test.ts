import test from 'ava'
import { now, toSqlTime } from '../../src/database.ts'
import { repairs } from '../../src/registrar/repairs.ts'
import { useApi } from '../api/support.ts'

const api = useApi(test)
const ago = (days: number): string => toSqlTime(new Date(Date.now() - days * 86_400_000))

async function repair(name: string): Promise<number> {
  const job = repairs({
    callRetentionDays: 30,
    eventRetentionDays: 1,
    recordingRetentionDays: 30,
    failureRetentionDays: 7,
  }).find((each) => each.name === `old ${name}`)
  return job!.run(api().database)
}

test('registrations that ran out are removed, and no others', async (t) => {
  const { key } = await api().customer()
  const ids: string[] = []
  for (const [index, seconds] of [-60, -31, -5, 60].entries()) {
    const { body } = await api().post(key, '/v1.0/extensions', { username: `u${index}`, password: 'a password' })
    ids.push(body.id)
    await api().database.query(
      `INSERT INTO registrations VALUES (?, '', '', '', 'udp', '', '', '', 1, '', '', '', UTC_TIMESTAMP(6),
        UTC_TIMESTAMP(6) + INTERVAL ? SECOND, NULL, NULL, NULL, NULL, UTC_TIMESTAMP(6))`,
      [body.id, seconds],
    )
  }
  t.is(await repair('registrations'), 2)
  const left: { extension_id: string }[] = await api().database.query('SELECT extension_id FROM registrations')
  t.deepEqual(left.map((row) => row.extension_id).sort(), ids.slice(2).sort())
})

test('more old rows than one statement takes are all removed', async (t) => {
  const block = (days: number) => ['edge', '192.0.2.1', 21, ago(days), ago(days)]
  const rows = [...Array.from({ length: 2100 }, () => block(8)), block(6)]
  await api().database.query('INSERT INTO guess_blocks (edge, source_address, misses, tm_create, tm_expire) VALUES ?', [
    rows,
  ])
  t.is(await repair('guess_blocks'), 2100)
  t.is(await repair('guess_blocks'), 0)
})

test('calls and activeflows go when their time is over, and never while they run', async (t) => {
  const { id: customer_id } = await api().customer()
  const address = { type: '', target: '', target_name: '' }
  const rows = [ago(31), ago(29), null].map((ended) => ({
    id: crypto.randomUUID(),
    customer_id,
    ended,
    tm_create: now(),
  }))
  for (const { ended, ...row } of rows) {
    await api()
      .database.getRepository('calls')
      .insert({
        ...{ ...row, activeflow_id: row.id, node: '', channel_id: '', sip_call_id: '', direction: 'incoming' },
        ...{
          source: address,
          destination: address,
          status: 'hangup',
          hangup_by: '',
          hangup_reason: '',
          tm_hangup: ended,
        },
      })
    await api()
      .database.getRepository('activeflows')
      .insert({
        ...{
          ...row,
          reference_type: 'call',
          reference_id: row.id,
          status: 'ended',
          executed_actions: [],
          tm_end: ended,
        },
        state: { stack: [], executions: 0, variables: {} },
      })
  }
  for (const table of ['calls', 'activeflows']) {
    t.is(await repair(table), 1)
    t.is(await api().database.getRepository(table).count(), 2)
  }
})

test('every repair is possible on an empty database, and has its own name', async (t) => {
  const jobs = repairs({
    callRetentionDays: 30,
    eventRetentionDays: 1,
    recordingRetentionDays: 30,
    failureRetentionDays: 7,
  })
  t.is(new Set(jobs.map(({ name }) => name)).size, jobs.length)
  for (const name of ['registration_failures', 'edges']) t.is(await repair(name), 0)
})
