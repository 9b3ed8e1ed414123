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
