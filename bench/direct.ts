import { randomBytes, randomUUID } from 'node:crypto'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection, type Connection } from 'mysql2/promise'
import { checkout } from '../src/stack/room.ts'
import { openStack, type Stack } from '../src/stack/stack.ts'
import { measureDelay } from './direct-delay.ts'
import { fillTables } from './fill.ts'

const base = 'hashdial.test'
const devicePort = 37190
const callerPort = 37191

/** How long a rate must hold, in seconds, and how long the two talk, in milliseconds. */
const seconds = 6
const talk = 200

interface Contestant {
  name: string
  /** The user part that is dialled. */
  address: string
}

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
      await fillTables(database, count, base)
      await report(stack, contestants, count)
    }
  } finally {
    await database.end()
    await stack.stop()
  }
}

const ports = { sip: 37060, api: 37080, asteriskSip: 37070, ari: 37088, mysql: 37316, rtpFrom: 38000, rtpTo: 39999 }

/** A customer with one registered device, reached by a direct address and by an address that Asterisk itself dials. */
async function furnish(stack: Stack, database: Connection): Promise<{ floor: Contestant; direct: Contestant }> {
  const customer = randomUUID()
  const extension = randomUUID()
  const domain = `${customer}.registrar.${base}`
  const device = `sip:bench@127.0.0.1:${devicePort}`
  await database.query(`INSERT INTO customers VALUES (?, 'bench', '', NOW(6), NULL)`, [customer])
  await database.query(`INSERT INTO extensions VALUES (?, ?, 'bench', '', 'bench', ?, NOW(6), NULL)`, [
    ...[extension, customer, domain],
  ])
  await database.query(
    `INSERT INTO subscriber (username, domain, ha1, ha1b, extension_id) VALUES ('bench', ?, '', '', ?)`,
    [domain, extension],
  )
  await database.query(
    `INSERT INTO registrations SET ?, tm_registered = NOW(6), tm_expire = NOW(6) + INTERVAL 1 DAY,
       tm_probe = NOW(6) + INTERVAL 1 DAY, tm_answer = NOW(6) + INTERVAL 1 DAY`,
    {
      ...{ extension_id: extension, contact: device, received: `sip:127.0.0.1:${devicePort};transport=udp` },
      ...{ source_address: `127.0.0.1:${devicePort}`, transport: 'udp', user_agent: 'bench', instance: '', path: '' },
      ...{ call_id: 'bench', cseq: 1, edge: 'bench', socket: `udp:127.0.0.1:${stack.ports.sip}` },
    },
  )
  const floor = await address(database, customer, 'floor', randomUUID())
  const direct = await address(database, customer, 'extension', extension)
  const dial = `dialplan add extension _floor.,1,Dial(PJSIP/hashdial/sip:bench@${domain}) into hashdial`
  // Our own Asterisk has no Dial(): Hashdial does not need it.
  for (const command of ['module load app_dial.so', dial]) await stack.run('asterisk', ['-rx', command])
  mkdirSync(join(stack.folder, 'bench'), { recursive: true })
  for (const name of ['caller.xml', 'device.xml'])
    copyFileSync(join(checkout, 'bench/sipp', name), join(stack.folder, 'bench', name))
  return { floor: { name: 'dialplan Dial()', address: floor }, direct: { name: 'direct address', address: direct } }
}

async function address(database: Connection, customer: string, type: string, id: string): Promise<string> {
  const hash = randomBytes(6).toString('hex')
  await database.query('INSERT INTO directs VALUES (?, ?, ?, ?, NOW(6), NULL)', [type, id, customer, hash])
  return `direct.${hash}`
}

async function report(stack: Stack, pair: { floor: Contestant; direct: Contestant }, rows: number): Promise<void> {
  const delay = await measureDelay(stack.ports.sip, base, devicePort, pair.floor.address, pair.direct.address)
  const rate = await measureRates(stack, pair)
  const ratio = (rate.direct / rate.floor).toFixed(2)
  const added = (delay.direct - delay.floor).toFixed(2)
  console.log(`with ${rows} extensions and hashes in the tables:`)
  console.log(
    `  calls/s without a failure: dialplan Dial() ${rate.floor}, direct address ${rate.direct}, ratio ${ratio}`,
  )
  console.log(
    `  median delay, INVITE at the edge to INVITE at the device: dialplan Dial() ${delay.floor.toFixed(2)} ms, ` +
      `direct address ${delay.direct.toFixed(2)} ms, added ${added} ms`,
  )
}

/** The highest rate of each that loses no call: both are tried at each step in turn, so that both see the same machine. */
async function measureRates(
  stack: Stack,
  { floor, direct }: { floor: Contestant; direct: Contestant },
): Promise<{ floor: number; direct: number }> {
  const device = stack.spawn(
    'sipp',
    [...['-sf', '/stack/bench/device.xml', '-i', '127.0.0.1', '-p', String(devicePort), '-nostdin']],
    { stdio: 'ignore' },
  )
  const search = [floor, direct].map((contestant) => ({ contestant, good: 0, bad: Infinity }))
  try {
    await holds(stack, direct.address, 50) // warms Node up
    while (search.some(({ good, bad }) => bad - good > Math.max(5, good * 0.04))) {
      for (const range of search) {
        if (range.bad - range.good <= Math.max(5, range.good * 0.04)) continue
        const rate = Math.round(range.bad === Infinity ? Math.max(50, range.good * 1.5) : (range.good + range.bad) / 2)
        // A failure must show twice: something else on the machine can cost a call once.
        const held =
          (await holds(stack, range.contestant.address, rate)) || (await holds(stack, range.contestant.address, rate))
        console.log(`  ${range.contestant.name}: ${rate} calls/s ${held ? 'without a failure' : 'with failures'}`)
        if (held) range.good = rate
        else range.bad = rate
      }
    }
  } finally {
    device.kill('SIGKILL')
  }
  return { floor: search[0]!.good, direct: search[1]!.good }
}

/** Does every call succeed at this rate, with none begun late and none asked for twice? */
async function holds(stack: Stack, user: string, rate: number): Promise<boolean> {
  const calls = rate * seconds
  const { output } = await stack.run('sipp', [
    ...[`127.0.0.1:${stack.ports.sip}`, '-sf', '/stack/bench/caller.xml', '-i', '127.0.0.1', '-p', String(callerPort)],
    ...['-key', 'address', user, '-key', 'base', base, '-r', String(rate), '-m', String(calls), '-d', String(talk)],
    ...['-l', String(rate * 3), '-timeout', `${seconds * 4}s`, '-recv_timeout', '8000', '-nostdin', '-nr'],
  ])
  const good = Number(/Successful call\s*\|\s*\d+\s*\|\s*(\d+)/.exec(output)?.[1] ?? 0)
  const elapsed = /Elapsed Time\s*\|[^|]*\|\s*00:(\d\d):(\d\d)/.exec(output)
  const took = elapsed ? Number(elapsed[1]) * 60 + Number(elapsed[2]) : Infinity
  await new Promise((resolve) => setTimeout(resolve, 1_500)) // what the run left is no part of the next one
  return good === calls && took <= seconds + 2
}
