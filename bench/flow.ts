import { randomUUID } from 'node:crypto'
import { createConnection, type Connection } from 'mysql2/promise'
import { openStack, type Stack } from '../src/stack/stack.ts'
import { address, callsAt, type Contestant, copyScenarios, highestRates, ports } from './load.ts'
import { processorMsOf } from './processes.ts'

const steps = 10
/** A flow for the cost of an action: as many as a flow may do in a second without being slowed down. */
const manySteps = 90
const sample = 1_500

/**
 * A flow that answers, does ten steps of variable_set and condition_variable and hangs up, against a dialplan that
 * answers and hangs up: behind the same Kamailio, with the same lookup of a hash, on the same Asterisk.
 */
export async function benchFlow(): Promise<void> {
  // One customer has all the calls here.
  const env = { HASHDIAL_CUSTOMER_ACTIONS: '1000000' }
  const stack = await openStack({ name: 'bench-direct', ports, progress: console.log, env })
  await stack.start({ fresh: true, progress: console.log })
  const database = await createConnection(stack.databaseUrl)
  try {
    const { floor, bare, long, longest } = await furnish(stack, database)
    const [dialplan = 0, flow = 0] = await highestRates(stack, [floor, long])
    console.log(
      `calls/s without a failure: dialplan ${dialplan}, flow of ${steps + 2} actions ${flow}, ratio ${(flow / dialplan).toFixed(2)}`,
    )
    const [less, more] = [await cost(stack, bare), await cost(stack, longest)]
    console.log(
      `processor time of Hashdial: ${less.toFixed(2)} ms for a call that is answered and hung up, ` +
        `${(((more - less) / manySteps) * 1000).toFixed(0)} µs for each action more`,
    )
  } finally {
    await database.end()
    await stack.stop()
  }
}

async function furnish(
  stack: Stack,
  database: Connection,
): Promise<Record<'floor' | 'bare' | 'long' | 'longest', Contestant>> {
  copyScenarios(stack)
  const customer = randomUUID()
  await database.query(
    `INSERT INTO customers SET id = ?, name = 'bench', detail = '', max_calls = 100000, tm_create = NOW(6)`,
    [customer],
  )
  for (const [priority, step] of ['Answer()', 'Hangup()'].entries())
    await stack.run('asterisk', ['-rx', `dialplan add extension _floor.,${priority + 1},${step} into hashdial`])
  const end = randomUUID()
  const middle = Array.from({ length: manySteps }, (_, n) =>
    n % 2 === 0
      ? { type: 'variable_set', option: { key: 'step', value: `${n}` } }
      : {
          type: 'condition_variable',
          option: {
            condition: '==',
            variable: 'step',
            value_type: 'number',
            value_number: n - 1,
            false_target_id: end,
          },
        },
  )
  const make = async (name: string, list: readonly object[]): Promise<Contestant> => {
    const id = randomUUID()
    const answered = [{ type: 'answer', option: {} }, ...list, { id: end, type: 'hangup', option: {} }]
    const actions = answered.map((action) => ({ id: randomUUID(), next_id: null, ...action }))
    await database.query(`INSERT INTO flows VALUES (?, ?, ?, '', ?, NULL, NOW(6), NULL)`, [
      ...[id, customer, name, JSON.stringify(actions)],
    ])
    return { name, address: await address(database, customer, 'flow', id), scenario: 'ended.xml' }
  }
  return {
    floor: {
      ...{ name: 'dialplan', address: await address(database, customer, 'floor', randomUUID()) },
      scenario: 'ended.xml',
    },
    bare: await make('flow of 2 actions', []),
    long: await make(`flow of ${steps + 2} actions`, middle.slice(0, steps)),
    longest: await make(`flow of ${manySteps + 2} actions`, middle),
  }
}

/** Milliseconds of processor time that Hashdial spends on one call. */
async function cost(stack: Stack, contestant: Contestant): Promise<number> {
  await callsAt(stack, contestant, 50, 200)
  const before = processorMsOf(stack.part('hashdial').pid!)
  const { done } = await callsAt(stack, contestant, 50, sample)
  if (done !== sample) throw new Error(`${sample - done} of ${sample} calls failed`)
  return (processorMsOf(stack.part('hashdial').pid!) - before) / sample
}
