import { startStack } from '../src/stack/stack.ts'
import { chaos, delayMs } from '../test/acd/chaos.ts'
import { doubles, unfair } from '../test/acd/ledger.ts'
import { ports } from './load.ts'
import { withSetup } from './setup.ts'

/** Moody agents, impatient callers, and a Hashdial that is killed each 20 s, for three minutes: what does not hold is printed. */
export async function benchQueueChaos(seconds = 180): Promise<void> {
  const stack = await startStack({ name: 'bench-queue', ports, fresh: true, progress: console.log })
  try {
    await withSetup(stack, 'queue chaos', async (setup) => {
      const crowd = { seconds, killSeconds: 20, agents: 5, callers: Math.round(seconds * 0.75) }
      const { ledger, agents, came } = await chaos(setup, stack, crowd)
      const { offers, queue, visits } = ledger
      const of = (name: string) => offers.filter(({ result }) => result === name).length
      const results = ['answered', 'missed', 'rejected', 'busy', 'unreachable', 'cancelled'] as const
      console.log(`callers ${came}, in the queue ${visits.length}, counted ${queue.total_incoming_count}`)
      console.log(`served ${queue.total_serviced_count}, gone ${queue.total_abandoned_count}`)
      console.log(`offers ${offers.length}: ${results.map((name) => `${of(name)} ${name}`).join(', ')}`)
      console.log(`answers that the agents saw: ${agents.reduce((sum, { answered }) => sum + answered, 0)}`)
      const problems = [...unfair(ledger, delayMs), ...doubles(ledger)]
      for (const problem of problems) console.log(`WRONG: ${problem}`)
      console.log(problems.length === 0 ? 'all were offered in their order, and nobody had two' : 'see above')
    })
  } finally {
    await stack.stop()
  }
}
