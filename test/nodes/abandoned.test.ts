import { randomUUID } from 'node:crypto'
import test from 'ava'
import { AriNode } from '../../src/ari/connection.ts'
import { createLogger } from '../../src/log.ts'
import { abandonedJob } from '../../src/nodes/abandoned-job.ts'
import { LeaseTable } from '../../src/nodes/lease-table.ts'
import { createEventOf } from '../../src/resources/happened.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { openFresh } from '../api/support.ts'

const { fresh, database } = await openFresh()
const customer_id = randomUUID()
await database.query('INSERT INTO customers (id, name, detail, tm_create) VALUES (?, ?, ?, UTC_TIMESTAMP(6))', [
  ...[customer_id, 'test', ''],
])
test.after.always(async () => {
  await database.destroy()
  await fresh.drop()
})

const log = createLogger('silent')
const holder = { id: randomUUID(), host: 'here', url: 'http://127.0.0.1:1' }
const leases = new LeaseTable(database, holder)
const eventOf = createEventOf('example.org')

/** The job, as it is when this process has had so many seconds to see who else is there. */
function job(nodes: AriNode[], seconds: number) {
  return abandonedJob({ database, eventOf, holder, log, liveCalls: { nodes, of: () => [], has: () => false }, seconds })
}

async function storeCall(node: string): Promise<string> {
  const [id, activeflow] = [randomUUID(), randomUUID()]
  const nobody = '{"type":"","target":"","target_name":""}'
  await database.query(
    `INSERT INTO calls (id, customer_id, activeflow_id, node, channel_id, sip_call_id, direction, source, destination, status,
       hangup_by, hangup_reason, tm_create) VALUES (?, ?, ?, ?, ?, '', 'incoming', ?, ?, 'progressing', '', '', UTC_TIMESTAMP(6))`,
    [id, customer_id, activeflow, node, `call-${id}`, nobody, nobody],
  )
  await database.query(
    `INSERT INTO activeflows (id, customer_id, reference_type, reference_id, status, state, executed_actions, tm_create)
     VALUES (?, ?, 'call', ?, 'running', '{"stack":[],"executions":0,"variables":{},"memory":{}}', '[]', UTC_TIMESTAMP(6))`,
    [activeflow, customer_id, id],
  )
  return id
}

async function statusOf(id: string): Promise<{ status: string; flow: string; events: string[] }> {
  const [row] = await database.query<{ status: string; flow: string }[]>(
    'SELECT c.status, f.status AS flow FROM calls c JOIN activeflows f ON f.id = c.activeflow_id WHERE c.id = ?',
    [id],
  )
  const events = await database.query<{ type: string }[]>(
    'SELECT type FROM events WHERE resource_id = ? OR resource_id IN (SELECT activeflow_id FROM calls WHERE id = ?)',
    [id, id],
  )
  return { ...row!, events: events.map(({ type }) => type).sort() }
}

const ended = { status: 'hangup', flow: 'ended', events: ['activeflow_ended', 'call_hangup'] }
const untouched = { status: 'progressing', flow: 'running', events: [] }

test.serial('the calls of an Asterisk that is away for long are ended, with what belongs to them', async (t) => {
  const node = new AriNode('http://lost:1', log, { stasisStart() {}, connected() {}, disconnected() {} })
  await leases.register(node.name)
  t.true(await leases.take(node.name, null))
  const id = await storeCall(node.name)
  t.true(await leases.renew(node.name, false))
  t.is(await job([node], 60).run(), 0)
  t.deepEqual(await statusOf(id), untouched)
  await database.query('UPDATE nodes SET tm_lost = UTC_TIMESTAMP(6) - INTERVAL 61 SECOND')
  t.is(await job([node], 60).run(), 1)
  t.deepEqual(await statusOf(id), ended)
  t.is(await job([node], 60).run(), 0)
})

test.serial(
  'the calls of an Asterisk that is in no configuration any more are ended, and those of others are not',
  async (t) => {
    const [gone, other] = [await storeCall('gone:1'), await storeCall('other:1')]
    const look = job([], 1)
    t.is(await look.run(), 0, 'the others may not have said yet what they have')
    const count = async () => {
      await leases.register('other:1')
      return look.run()
    }
    t.true(await becomesTrue(10_000, async () => (await count()) === 1))
    t.deepEqual(await statusOf(gone), ended)
    t.deepEqual(await statusOf(other), untouched)
  },
)

test.serial('who was in a queue there is counted, and whom it was calling back keeps the place', async (t) => {
  const queue = randomUUID()
  await database.query(
    `INSERT INTO queues (id, customer_id, name, detail, routing_method, agent_ids, skill_steps, wait_timeout, service_timeout,
       ring_timeout, wrap_up, max_waiting, max_misses, no_answer_delay, reject_delay, busy_delay, priority_seconds,
       service_level, recording, whisper, total_incoming_count, total_serviced_count, total_abandoned_count,
       serviced_in_level_count, abandoned_in_level_count, tm_create)
     VALUES (?, ?, '', '', 'linear', '[]', '[]', 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 'none', '', 3, 1, 0, 0, 0, UTC_TIMESTAMP(6))`,
    [queue, customer_id],
  )
  const join = async (status: string, callback: string | null) => {
    const [id, call] = [randomUUID(), await storeCall('gone:2')]
    await database.query(
      `INSERT INTO queuecalls (id, customer_id, queue_id, activeflow_id, reference_id, node, status, end_reason, priority,
         skills, offers, duration_waiting, duration_service, tm_enter, tm_rank, tm_create, callback)
       VALUES (?, ?, ?, ?, ?, 'gone:2', ?, '', 0, '[]', 1, 0, 0, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), ?)`,
      [id, customer_id, queue, randomUUID(), call, status, callback],
    )
    return id
  }
  const ids = [await join('waiting', null), await join('service', null), await join('connecting', '{"attempts":0}')]
  const look = job([], 1)
  await look.run()
  t.true(await becomesTrue(10_000, async () => (await look.run()) >= 3))
  const rows = await database.query<{ id: string; status: string; end_reason: string; node: string }[]>(
    'SELECT id, status, end_reason, node FROM queuecalls WHERE queue_id = ?',
    [queue],
  )
  const found = ids.map((id) => rows.find((row) => row.id === id)!)
  t.like(found[0]!, { status: 'abandoned', end_reason: 'failed' })
  t.like(found[1]!, { status: 'done', end_reason: 'serviced' })
  t.like(found[2]!, { status: 'waiting', end_reason: '', node: '' })
  const [counted] = await database.query<object[]>('SELECT total_abandoned_count AS count FROM queues WHERE id = ?', [
    queue,
  ])
  t.deepEqual(counted, { count: 1 })
})
