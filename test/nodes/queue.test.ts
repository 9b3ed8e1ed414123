import test from 'ava'
import { chaos, delayMs } from '../acd/chaos.ts'
import { doubles, unfair } from '../acd/ledger.ts'
import { agentIs, agentWithPhone, makeQueue, says, statusesAre, waits } from '../acd/support.ts'
import { hearEachOther, leavesNothing } from '../calls/support.ts'
import { secondHashdial, twoAsterisks } from '../support/second.ts'
import { setUp } from '../support/setup.ts'

/** A stack of this file's own, with two Asterisks, and in each test two processes. */
const ports = { sip: 30060, api: 30080, asteriskSip: 30070, ari: 30088, mysql: 30316, rtpFrom: 30400, rtpTo: 30699 }
const otherPorts = { ...ports, asteriskSip: 30072, ari: 30090, rtpFrom: 30700, rtpTo: 30999 }
const name = 'queue-nodes'
const { stack, other } = await twoAsterisks(name, ports, otherPorts)
test.after.always(async () => {
  await stack.stop()
  await other.part.stop()
})

test.serial('an agent who is available at one process gets the caller of the other', async (t) => {
  const setup = await setUp(t, stack)
  const second = secondHashdial(t, stack, setup, 30081)
  await second.part.start()
  const queue = await makeQueue(setup)
  for (const api of [setup.api, second.api]) {
    const { agent, phone } = await agentWithPhone(setup, { tone: 830 })
    await says(setup, agent, 'away')
    const caller = await waits(setup, queue, { tone: 440 })
    const begun = performance.now()
    await says({ ...setup, api }, agent, 'available')
    await phone.rings()
    t.log(`the phone rang after ${Math.round(performance.now() - begun)} ms`)
    await phone.answer()
    await hearEachOther(t, caller, phone)
    await caller.hangup()
    await agentIs(t, setup, agent, 'available')
    await says(setup, agent, 'offline')
  }
  await statusesAre(t, setup, queue, ['done', 'done'])
})

test.serial('two processes are killed in turn: callers at two Asterisks are offered in one order', async (t) => {
  t.timeout(180_000)
  const setup = await setUp(t, stack)
  const second = secondHashdial(t, stack, setup, 30081)
  await second.part.start()
  const victims = [stack.part('hashdial'), second.part]
  const crowd = { seconds: 30, killSeconds: 9, agents: 5, callers: 24, victims, addresses: 8 }
  const { ledger, agents, came } = await chaos(setup, stack, crowd)
  const { offers, queue, visits } = ledger
  t.deepEqual(unfair(ledger, delayMs), [])
  t.deepEqual(doubles(ledger), [])
  const answered = offers.filter(({ result }) => result === 'answered').length
  t.true(answered > 4, `${answered} were answered`)
  t.is(visits.filter(({ status }) => status === 'done').length, answered)
  t.is(queue.total_serviced_count, answered)
  t.is(queue.total_abandoned_count, visits.length - answered)
  t.is(queue.total_incoming_count, visits.length)
  t.is(visits.length, came)
  t.true(
    agents.every(({ most }) => most <= 1),
    'no agent had two calls',
  )
  for (const { agent } of agents) await agentIs(t, setup, agent, 'available')
  t.true(await leavesNothing(stack))
})
