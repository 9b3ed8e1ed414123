import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import { createConnection } from 'mysql2/promise'
import type { Part } from '../src/stack/part.ts'
import { openStack, type Stack } from '../src/stack/stack.ts'
import type { FuzzTarget } from '../test/support/fuzz-messages.ts'
import { childrenOf, sendFuzz } from '../test/support/fuzz-sender.ts'
import { address, base, ports } from './load.ts'

/** A report so often. */
const reportCases = 10_000

/**
 * Sends `cases` messages of which most are wrong to a whole stack, by UDP and TCP, and looks whether every process is
 * still the same. `npm run bench fuzz <cases> <seed>`: the same seed sends the same messages.
 */
export async function benchFuzz(cases: number, seed: number): Promise<void> {
  const stack = await openStack({ name: 'bench-fuzz', ports, progress: console.log })
  await stack.start({ fresh: true, progress: console.log })
  try {
    const target = await targetOf(stack)
    const before = processes(stack)
    const logged = logBytes(stack)
    for (let from = 0; from < cases; from += reportCases) {
      const to = Math.min(from + reportCases, cases)
      const answers = await sendFuzz(target, seed, from, to)
      const died = processes(stack).filter((process, n) => process !== before[n])
      if (died.length > 0)
        throw new Error(`before case ${to} of seed ${seed} processes have ended; now: ${died.join('; ')}`)
      const statuses = [...answers].sort().map(([status, count]) => `${status}: ${count}`)
      console.log(`${to} cases of seed ${seed}; answers: ${statuses.join(', ')}`)
    }
    console.log(`all processes are the same; they have written ${logBytes(stack) - logged} bytes into their logs`)
  } finally {
    await stack.stop()
  }
}

/** A direct address of a flow that answers nobody knows; what matters is that the edge finds a row. */
async function targetOf(stack: Stack): Promise<FuzzTarget> {
  const database = await createConnection(stack.databaseUrl)
  const customer = randomUUID()
  await database.query(`INSERT INTO customers VALUES (?, 'fuzz', '', NOW(6), NULL)`, [customer])
  const direct = `sip:${await address(database, customer, 'flow', randomUUID())}@sip.${base}`
  await database.end()
  const aor = `sip:1001@${customer}.registrar.${base}`
  return { port: stack.ports.sip, asterisk: stack.ports.asteriskSip, direct, aor }
}

const parts = (stack: Stack): Part[] => stack.parts.filter(({ name }) => name !== 'mysql')

const processes = (stack: Stack): string[] =>
  parts(stack).map(
    ({ name, pid }) => `${name} ${pid ?? 'gone'}${name === 'kamailio' && pid ? `: ${childrenOf(pid)}` : ''}`,
  )

const logBytes = (stack: Stack): number => parts(stack).reduce((sum, { log }) => sum + statSync(log).size, 0)
