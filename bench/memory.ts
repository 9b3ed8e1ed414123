import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise'
import { becomesTrue } from '../src/stack/shell.ts'
import { openStack, type Stack } from '../src/stack/stack.ts'
import { furnish, startDevice } from './direct-calls.ts'
import { memoryOf } from './processes.ts'
import { callsAt, type Contestant, hasNoChannels, ports } from './load.ts'

const names = ['hashdial', 'asterisk', 'kamailio'] as const
const rate = 40
const before = 3_000
const calls = 10_000

type Memory = Record<(typeof names)[number], number>

/** What 10,000 calls leave behind: in memory, in Asterisk and in the tables. */
export async function benchMemory(): Promise<void> {
  const stack = await openStack({ name: 'bench-direct', ports, progress: console.log })
  await stack.start({ fresh: true, progress: console.log })
  const database = await createConnection(stack.databaseUrl)
  const { direct } = await furnish(stack, database)
  const stopDevice = startDevice(stack)
  try {
    // Node, malloc and the pools of Kamailio and Asterisk take what they need at a rate once, and keep it.
    const first = await round(stack, database, direct, before)
    const last = await round(stack, database, direct, calls)
    for (const name of names) {
      const growth = ((last[name] / first[name] - 1) * 100).toFixed(1)
      const [from, to] = [first[name], last[name]].map((bytes) => (bytes / 2 ** 20).toFixed(1))
      console.log(`  ${name}: ${from} MiB after ${before} calls, ${to} MiB after ${calls} more: ${growth} %`)
    }
  } finally {
    await stopDevice()
    await database.end()
    await stack.stop()
  }
}

async function round(stack: Stack, database: Connection, contestant: Contestant, count: number): Promise<Memory> {
  console.log(`  ${count} calls at ${rate} a second`)
  const good = await callsAt(stack, contestant, rate, count)
  if (good.done !== count) throw new Error(`${count - good.done} of ${count} calls failed`)
  if (!(await becomesTrue(60_000, () => nothingIsLeft(stack, database)))) throw new Error('calls are left behind')
  let lowest = await lowestMemory(stack)
  // Node gives back what is garbage when it collects it, which it does in its own time.
  await becomesTrue(60_000, async () => {
    const now = await lowestMemory(stack)
    const settled = now.hashdial > lowest.hashdial * 0.995
    lowest = now
    return settled
  })
  return lowest
}

async function nothingIsLeft(stack: Stack, database: Connection): Promise<boolean> {
  const bridges = await stack.run('asterisk', ['-rx', 'bridge show all'])
  const [rows] = await database.query<RowDataPacket[]>(
    `SELECT (SELECT COUNT(*) FROM calls WHERE status <> 'hangup') + (SELECT COUNT(*) FROM activeflows WHERE status = 'running') AS n`,
  )
  return (await hasNoChannels(stack)) && bridges.output.trim().split('\n').length === 1 && Number(rows[0]!['n']) === 0
}

/** The least of some seconds, in bytes. */
async function lowestMemory(stack: Stack): Promise<Memory> {
  const lowest = { hashdial: Infinity, asterisk: Infinity, kamailio: Infinity }
  for (let second = 0; second < 10; second++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    for (const name of names) lowest[name] = Math.min(lowest[name], memoryOf(stack.part(name).pid!))
  }
  return lowest
}
