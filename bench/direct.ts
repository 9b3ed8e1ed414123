import { createConnection } from 'mysql2/promise'
import { openStack, type Stack } from '../src/stack/stack.ts'
import { devicePort, furnish, startDevice } from './direct-calls.ts'
import { measureDelay } from './direct-delay.ts'
import { fillTables } from './fill.ts'
import { base, type Contestant, highestRates, ports } from './load.ts'
import { processorPerCall, told } from './processor.ts'

const customer = '00000000-0000-4000-8000-00000000f111'

/**
 * Calls to a direct address against the same two-leg call made by dialplan Dial(). Both come through the same Kamailio,
 * with the same lookup of a hash, to the same Asterisk and the same device; only what Asterisk then runs differs.
 */
export async function benchDirect(rows = [1_000, 1_000_000]): Promise<void> {
  const stack = await openStack({ name: 'bench-direct', ports, progress: console.log })
  await stack.start({ fresh: true, progress: console.log })
  const database = await createConnection(stack.databaseUrl)
  try {
    const contestants = await furnish(stack, database)
    for (const count of rows) {
      await fillTables(database, { customer, base, count })
      await report(stack, contestants, count)
    }
  } finally {
    await database.end()
    await stack.stop()
  }
}

async function report(stack: Stack, { floor, direct }: Record<'floor' | 'direct', Contestant>, rows: number) {
  const stopDevice = startDevice(stack)
  const [dialled = 0, ours = 0] = await highestRates(stack, [floor, direct])
  const processor = [await processorPerCall(stack, floor), await processorPerCall(stack, direct)] as const
  await stopDevice()
  const delay = await measureDelay(stack.ports.sip, base, devicePort, floor.address, direct.address)
  const added = (delay.direct - delay.floor).toFixed(2)
  console.log(`with ${rows} extensions and hashes in the tables:`)
  console.log(
    `  calls/s without a failure: dialplan Dial() ${dialled}, direct address ${ours}, ratio ${(ours / dialled).toFixed(2)}`,
  )
  console.log(`  milliseconds of processor a call: dialplan Dial() ${told(processor[0])}`)
  console.log(`  milliseconds of processor a call: direct address ${told(processor[1])}`)
  console.log(
    `  median delay, INVITE at the edge to INVITE at the device: dialplan Dial() ${delay.floor.toFixed(2)} ms, ` +
      `direct address ${delay.direct.toFixed(2)} ms, added ${added} ms`,
  )
}
