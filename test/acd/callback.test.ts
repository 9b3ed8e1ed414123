import test from 'ava'
import { startStack } from '../../src/stack/stack.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { hearEachOther } from '../calls/support.ts'
import { setUp, type Setup } from '../support/setup.ts'
import type { Softphone } from '../support/softphone.ts'
import { loudness } from '../support/tone.ts'
import { agentIs, agentWithPhone, makeQueue, queuecalls, says, statusesAre, waits, type QueueView } from './support.ts'

/** A stack of this file's own, for Hashdial is killed. */
const ports = { sip: 30060, api: 30080, asteriskSip: 30070, ari: 30088, mysql: 30316, rtpFrom: 30400, rtpTo: 30999 }
const stack = await startStack({ name: 'callbacks', ports, fresh: true })
test.after.always(() => stack.stop())

async function restart(): Promise<void> {
  await stack.part('hashdial').kill9()
  await stack.part('hashdial').start()
}

const values = { callback_key: '5', callback_delay: 0, callback_retry_delay: 1_000, callback_text: 'Later.' }

/** An extension that waits in a queue which calls back. */
async function waiter(setup: Setup, queue: QueueView): Promise<Softphone> {
  const phone = await setup.phone(await setup.extension(), { tone: 440 })
  const before = (await queuecalls(setup, queue)).length
  await phone.dial(queue.direct_uri)
  await phone.established()
  await becomesTrue(15_000, async () => (await queuecalls(setup, queue)).length > before)
  return phone
}

const promises = async (setup: Setup, queue: QueueView) =>
  (await setup.api<{ callback_count: number }>('GET', `/queues/${queue.id}/state`)).body.callback_count

test.serial('who presses the key is called back in their turn, confirms, and talks with the agent', async (t) => {
  const setup = await setUp(t, stack)
  const { agent, phone } = await agentWithPhone(setup, { tone: 830 })
  await says(setup, agent, 'away')
  const queue = await makeQueue(setup, values)
  const caller = await waiter(setup, queue)
  const later = await waits(setup, queue)
  await caller.press('5')
  await caller.closed()
  t.is(await promises(setup, queue), 1)
  await says(setup, agent, 'available')
  await caller.rings()
  await agentIs(t, setup, agent, 'ringing')
  await caller.answer()
  t.true(await becomesTrue(15_000, () => loudness(caller.heard()) > 50), 'the prompt')
  await caller.press('5')
  await phone.rings(5_000) // the prompt, which is longer, ends with the key
  await phone.answer()
  await hearEachOther(t, caller, phone)
  await statusesAre(t, setup, queue, ['service', 'waiting'])
  await phone.hangup()
  await phone.closed()
  await caller.closed()
  await phone.rings()
  await phone.answer()
  await later.hangup()
  const [done] = await statusesAre(t, setup, queue, ['done', 'done'])
  t.like(done!, { end_reason: 'serviced', callback: null })
  t.is(await promises(setup, queue), 0)
  const { body } = await setup.api<QueueView>('GET', `/queues/${queue.id}`)
  t.like(body, { total_incoming_count: 2, total_serviced_count: 2, total_abandoned_count: 0 })
})

test.serial(
  'a mailbox does not confirm: it is called again as configured, and the agent is free each time',
  async (t) => {
    const setup = await setUp(t, stack)
    const { agent, phone } = await agentWithPhone(setup)
    await says(setup, agent, 'away')
    const queue = await makeQueue(setup, { ...values, callback_attempts: 2 })
    const caller = await waiter(setup, queue)
    await caller.press('5')
    await caller.closed()
    await says(setup, agent, 'available')
    await caller.rings()
    await caller.answer()
    await caller.closed(40_000)
    await agentIs(t, setup, agent, 'available')
    await caller.rings()
    await caller.reject()
    const [failed] = await statusesAre(t, setup, queue, ['abandoned'])
    t.is(failed!.end_reason, 'callback_failed')
    await agentIs(t, setup, agent, 'available')
    t.false(phone.hasRung)
    const { body } = await setup.api<QueueView>('GET', `/queues/${queue.id}`)
    t.is(body.total_abandoned_count, 0)
  },
)

test.serial('the API promises a call, and who calls in meanwhile has the old place', async (t) => {
  const setup = await setUp(t, stack)
  const queue = await makeQueue(setup, values)
  const caller = await waiter(setup, queue)
  const { id } = (await queuecalls(setup, queue))[0]!
  const wrong = { destination: { type: 'extension', target_name: 'nobody' } }
  t.is((await setup.api('POST', `/queuecalls/${id}/callback`, wrong)).status, 404)
  t.is((await setup.api('POST', `/queuecalls/${id}/callback`, {})).status, 200)
  await caller.closed()
  t.is((await setup.api('POST', `/queuecalls/${id}/callback`, {})).status, 409)
  await waits(setup, queue)
  await caller.dial(queue.direct_uri)
  const [old, other, again] = await statusesAre(t, setup, queue, ['abandoned', 'waiting', 'waiting'])
  t.is(old!.end_reason, 'returned')
  const { agent, phone } = await agentWithPhone(setup)
  await phone.rings()
  const [, , first] = await statusesAre(t, setup, queue, ['abandoned', 'waiting', 'connecting'])
  t.is(first!.id, again!.id)
  t.not(first!.id, other!.id)
  await phone.answer()
  await says(setup, agent, 'away')
})

test.serial('a promise outlives crashes, and who is kicked is not called', async (t) => {
  const setup = await setUp(t, stack)
  const { agent, phone } = await agentWithPhone(setup, { tone: 830 })
  await says(setup, agent, 'away')
  const queue = await makeQueue(setup, values)
  const caller = await waiter(setup, queue)
  const kicked = await waiter(setup, queue)
  for (const each of [caller, kicked]) {
    await each.press('5')
    await each.closed()
  }
  const { id } = (await queuecalls(setup, queue))[1]!
  t.is((await setup.api('POST', `/queuecalls/${id}/kick`)).status, 200)
  await restart()
  await says(setup, agent, 'available')
  await caller.rings()
  await restart()
  await caller.answer()
  t.true(await becomesTrue(15_000, () => loudness(caller.heard()) > 50), 'the prompt')
  await caller.press('5')
  await phone.rings()
  await phone.answer()
  await hearEachOther(t, caller, phone)
  await statusesAre(t, setup, queue, ['service', 'abandoned'])
  t.false(kicked.hasRung)
})

test.serial('where all agents ring, one of them is kept for who is called back', async (t) => {
  const setup = await setUp(t, stack)
  const queue = await makeQueue(setup, { ...values, callback_delay: 3_000, routing_method: 'ring_all' })
  const caller = await waiter(setup, queue)
  await caller.press('5')
  await caller.closed()
  const both = [await agentWithPhone(setup), await agentWithPhone(setup)]
  await caller.rings()
  const path = (id: string) => setup.api<{ status: string }>('GET', `/agents/${id}`)
  const statuses = await Promise.all(both.map(async ({ agent }) => (await path(agent.id)).body.status))
  t.deepEqual(statuses.sort(), ['available', 'ringing'])
  await caller.reject()
  for (const { agent } of both) await agentIs(t, setup, agent, 'available')
})
