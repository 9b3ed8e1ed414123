import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createConnection } from 'mysql2/promise'
import { rest } from '../src/stack/rest.ts'
import { becomesTrue } from '../src/stack/shell.ts'
import { openStack, type Stack } from '../src/stack/stack.ts'
import { SipClient } from '../test/support/sip.ts'
import { furnish, startDevice } from './direct-calls.ts'
import type { Attack } from './hostile-attacker.ts'
import { makeGoodCalls } from './hostile-calls.ts'
import { base, hasNoChannels, ports } from './load.ts'
import { memoryOf } from './processes.ts'

const goodCallsPerSecond = 10
const webPort = 9195

/**
 * Ten good calls a second while strangers and a customer do their worst, against the same calls while the same packets go
 * into a sink beside the stack: the cores are shared, so what is left is what the attack does to us.
 */
export async function benchHostile(seconds = 60): Promise<void> {
  const env = { HASHDIAL_FETCH_PRIVATE: '127.0.0.1' }
  const stack = await openStack({ name: 'bench-hostile', ports, env, progress: console.log })
  await stack.start({ fresh: true, progress: console.log })
  const database = await createConnection(stack.databaseUrl)
  const { direct } = await furnish(stack, database).finally(() => database.end())
  const stopDevice = startDevice(stack)
  const sink = child('hostile-sink.ts')
  try {
    const [{ sipPort, apiPort }] = (await once(sink, 'message')) as [{ sipPort: number; apiPort: number }]
    const attack = await prepare(stack)
    const caller = await SipClient.open(stack.ports.sip)
    const call = (time: number) => makeGoodCalls(caller, `sip:${direct.address}@sip.${base}`, goodCallsPerSecond, time)
    await call(10) // Node compiles what runs often
    const before = processes(stack)
    const calm = await under({ ...attack, sipPort, apiPort }, () => call(seconds))
    const memoryBefore = memories(stack)
    const hostile = await under(attack, () => call(seconds))
    caller.close()
    const died = processes(stack).filter((process, n) => process !== before[n])
    for (const [name, { made, setUp, medianMs }] of Object.entries({ 'into a sink': calm, 'at us': hostile }))
      console.log(`attack ${name}: ${setUp} of ${made} good calls set up, median ${medianMs.toFixed(1)} ms`)
    console.log(
      `ratio of the medians ${(hostile.medianMs / calm.medianMs).toFixed(2)}; restarted: ${died.join() || 'nothing'}`,
    )
    await stopDevice()
    await becomesTrue(120_000, () => hasNoChannels(stack))
    await new Promise((resolve) => setTimeout(resolve, 15_000)) // what is garbage is collected in its own time
    const after = memories(stack)
    for (const name of Object.keys(after))
      console.log(`  ${name}: ${memoryBefore[name]} MiB before, ${after[name]} MiB after`)
  } finally {
    sink.kill()
    await stopDevice()
    await stack.stop()
  }
}

function child(file: string, env: Record<string, string> = {}): ChildProcess {
  return fork(new URL(file, import.meta.url), { execArgv: ['--import=tsx'], env: { ...process.env, ...env } })
}

async function under<T>(attack: Attack, work: () => Promise<T>): Promise<T> {
  const attacker = child('hostile-attacker.ts', { HASHDIAL_BENCH_ATTACK: JSON.stringify(attack) })
  try {
    await once(attacker, 'message')
    return await work()
  } finally {
    attacker.kill('SIGKILL')
  }
}

const names = ['hashdial', 'asterisk', 'kamailio'] as const

const processes = (stack: Stack): string[] => names.map((name) => `${name} ${stack.part(name).pid ?? 'gone'}`)

function memories(stack: Stack): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, Math.round(memoryOf(stack.part(name).pid!) / 2 ** 20)]))
}

/** A customer with an extension and with flows that hurt, and another one who is to be hurt. */
async function prepare(stack: Stack): Promise<Attack> {
  const admin = rest(stack.apiUrl, stack.adminKey)
  const customer = async (name: string) => {
    const { id } = (await admin<{ id: string }>('POST', '/customers', { name })).body
    const { body } = await admin<{ token: string }>('POST', '/accesskeys', { customer_id: id, name })
    return { id, token: body.token, api: rest(stack.apiUrl, body.token) }
  }
  const [evil, victim] = [await customer('evil'), await customer('victim')]
  const account = { username: '1001', password: 'a good password' }
  await victim.api('POST', '/extensions', account)
  const extension = (await evil.api<{ domain_name: string; direct_uri: string }>('POST', '/extensions', account)).body
  const flows = await hurtingFlows(evil.api)
  const domain = `${victim.id}.registrar.${base}`
  return {
    ...{ sipPort: stack.ports.sip, apiPort: stack.ports.api, webPort, token: evil.token, flows },
    fuzz: { port: stack.ports.sip, asterisk: stack.ports.asteriskSip, direct: flows[0]!, aor: `sip:1001@${domain}` },
    account: { ...account, domain: extension.domain_name },
    victim: `sip:1001@${domain}`,
    forbidden: [`sip:1001@${domain}`, `sip:+190012345@${victim.id}.trunk.${base}`],
  }
}

async function hurtingFlows(api: ReturnType<typeof rest>): Promise<string[]> {
  const web = `http://127.0.0.1:${webPort}`
  const wrong = Array.from({ length: 20 }, (_, n) => ({
    type: 'sip',
    target: `sip:direct.${String(n).padStart(12, '0')}@sip.${base}`,
  }))
  const variable = { type: 'variable_set', option: { key: 'v', value: 'v'.repeat(32_000) } }
  const lists = [
    [
      variable,
      { type: 'webhook_send', option: { uri: web, method: 'POST', data: '${v}'.repeat(12_000), sync: false } },
    ],
    [{ type: 'variable_set', option: { key: 'w', value: '${'.repeat(16_000) } }],
    [{ type: 'play', option: { stream_urls: [1, 2, 3].map((n) => `${web}/${n}.wav`) } }],
    [{ type: 'talk', option: { text: 'This is a long text that nobody wants to hear. '.repeat(200) } }],
    [{ type: 'fetch', option: { event_url: web } }],
    [{ type: 'connect', option: { destinations: wrong } }],
  ]
  const made: string[] = []
  for (const [n, actions] of lists.entries()) {
    const { status, body } = await api<{ direct_uri: string }>('POST', '/flows', { name: `hurts ${n}`, actions })
    if (status === 201) made.push(body.direct_uri)
  }
  // A flow that calls itself, once and twice.
  for (const times of [1, 2]) {
    const { body } = await api<{ id: string; direct_uri: string }>('POST', '/flows', { name: 'loop', actions: [] })
    const destinations = Array.from({ length: times }, () => ({ type: 'sip', target: body.direct_uri }))
    await api('PUT', `/flows/${body.id}`, { actions: [{ type: 'connect', option: { destinations } }] })
    made.push(body.direct_uri)
  }
  return made
}
