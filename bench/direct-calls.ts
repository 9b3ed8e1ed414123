import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Connection } from 'mysql2/promise'
import type { Stack } from '../src/stack/stack.ts'
import { address, base, type Contestant, copyScenarios } from './load.ts'

export const devicePort = 9190

/** A customer with one registered device, reached by a direct address and by an address that Asterisk itself dials. */
export async function furnish(stack: Stack, database: Connection): Promise<{ floor: Contestant; direct: Contestant }> {
  copyScenarios(stack)
  const customer = randomUUID()
  const extension = randomUUID()
  const domain = `${customer}.registrar.${base}`
  const device = `sip:bench@127.0.0.1:${devicePort}`
  await database.query(
    `INSERT INTO customers SET id = ?, name = 'bench', detail = '', max_calls = 100000, tm_create = NOW(6)`,
    [customer],
  )
  await database.query(`INSERT INTO extensions VALUES (?, ?, 'bench', '', 'bench', ?, NOW(6), NULL, 0)`, [
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
  // Kamailio reaches a device for a leg that is stamped; one that Dial() makes gets the stamp before it is dialled.
  const stamp = `Set(PJSIP_HEADER(add,Hashdial-Leg)=customer=${customer};forwards=64)`
  const extensions = [
    `s,1,${stamp} into bench_leg`,
    's,2,Return() into bench_leg',
    `_floor.,1,Dial(PJSIP/hashdial/sip:bench@${domain},,b(bench_leg^s^1)) into hashdial`,
  ]
  // Our own Asterisk has no Dial(): Hashdial does not need it.
  const modules = ['module load app_dial.so', 'module load app_stack.so']
  for (const command of [...modules, ...extensions.map((extension) => `dialplan add extension ${extension}`)])
    await stack.run('asterisk', ['-rx', command])
  return {
    floor: { name: 'dialplan Dial()', address: floor, scenario: 'caller.xml' },
    direct: { name: 'direct address', address: direct, scenario: 'caller.xml' },
  }
}

/** A device that answers every call. Returns what ends it, and gives its port back. */
export function startDevice(stack: Stack): () => Promise<void> {
  const address = ['-i', '127.0.0.1', '-p', String(devicePort)]
  const device = stack.spawn('sipp', ['-sf', '/stack/bench/device.xml', ...address, '-nostdin'], { stdio: 'ignore' })
  const gone = once(device, 'exit')
  return async () => {
    device.kill('SIGKILL')
    await gone
  }
}
