import test from 'ava'
import { startStack } from '../../src/stack/stack.ts'
import { leavesNothing } from '../calls/support.ts'
import { setUp } from '../support/setup.ts'
import { chaos, delayMs } from './chaos.ts'
import { doubles, unfair } from './ledger.ts'
import { agentIs } from './support.ts'

/** A stack of this file's own, whose Hashdial is killed again and again. */
const ports = { sip: 30060, api: 30080, asteriskSip: 30070, ari: 30088, mysql: 30316, rtpFrom: 30400, rtpTo: 30999 }
const stack = await startStack({ name: 'queue-chaos', ports, fresh: true })
test.after.always(() => stack.stop())

test('moody agents, impatient callers and crashes: all are offered in their order, and the numbers agree', async (t) => {
  t.timeout(180_000)
  const setup = await setUp(t, stack)
  const { ledger, agents, came } = await chaos(setup, stack, { seconds: 40, killSeconds: 13, agents: 5, callers: 30 })
  const { offers, queue, visits } = ledger
  t.deepEqual(unfair(ledger, delayMs), [])
  t.deepEqual(doubles(ledger), [])
  const results = (...names: string[]) => offers.filter(({ result }) => names.includes(result)).length
  const [answered, missed] = [results('answered'), results('missed', 'rejected', 'busy', 'unreachable')]
  t.is(offers.length, answered + missed + results('cancelled'))
  t.true(answered > 5 && missed > 2, `${answered} answered, ${missed} missed: it was a day as it should be`)
  const served = visits.filter(({ status }) => status === 'done').length
  t.is(served, answered)
  t.is(queue.total_serviced_count, served)
  t.is(queue.total_abandoned_count, visits.length - served)
  t.is(queue.total_incoming_count, visits.length)
  t.is(visits.length, came)
  const seen = agents.reduce((sum, agent) => sum + agent.answered, 0)
  // One who answers while nobody of us is there, and is hung up on before that is noticed, is an answer for them alone.
  t.true(Math.abs(seen - answered) <= 2, `the agents answered ${seen} times, ${answered} are known`)
  t.true(
    agents.every(({ most }) => most <= 1),
    'no agent had two calls',
  )
  for (const { agent } of agents) await agentIs(t, setup, agent, 'available')
  t.true(await leavesNothing(stack))
})
