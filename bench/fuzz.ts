import { statSync } from 'node:fs'
import type { Part } from '../src/stack/part.ts'
import { rest } from '../src/stack/rest.ts'
import { openStack, type Stack } from '../src/stack/stack.ts'
import type { FuzzTarget } from '../test/support/fuzz-messages.ts'
import { childrenOf, sendFuzz } from '../test/support/fuzz-sender.ts'
import { base, ports } from './load.ts'

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

/** A flow that answers, for the messages that are right. */
async function targetOf({ apiUrl, adminKey, ports: { sip, asteriskSip } }: Stack): Promise<FuzzTarget> {
  const admin = rest(apiUrl, adminKey)
  const customer = (await admin<{ id: string }>('POST', '/customers', { name: 'fuzz' })).body.id
  const key = await admin<{ token: string }>('POST', '/accesskeys', { customer_id: customer, name: 'fuzz' })
  const flow = {
    name: 'fuzz',
    actions: [
      { type: 'answer', option: {} },
      { type: 'hangup', option: {} },
    ],
  }
  const { body } = await rest(apiUrl, key.body.token)<{ direct_uri: string }>('POST', '/flows', flow)
  return { port: sip, asterisk: asteriskSip, direct: body.direct_uri, aor: `sip:1001@${customer}.registrar.${base}` }
}

const parts = (stack: Stack): Part[] => stack.parts.filter(({ name }) => name !== 'mysql')

const processes = (stack: Stack): string[] =>
  parts(stack).map(
    ({ name, pid }) => `${name} ${pid ?? 'gone'}${name === 'kamailio' && pid ? `: ${childrenOf(pid)}` : ''}`,
  )

const logBytes = (stack: Stack): number => parts(stack).reduce((sum, { log }) => sum + statSync(log).size, 0)
