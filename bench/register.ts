import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise'
import { answersOptions } from '../src/stack/kamailio.ts'
import { dropDatabase, kamailioDatabaseUrl, migrateStack } from '../src/stack/mysql.ts'
import { checkout } from '../src/stack/room.ts'
import { becomesTrue } from '../src/stack/shell.ts'
import { openStack, type Stack } from '../src/stack/stack.ts'
import { RegisterLoad, type Outcome } from './register-load.ts'
import { fillTables } from './fill.ts'
import { plainTables, registerAll, settle } from './register-tables.ts'

const base = 'hashdial.test'
const customer = '00000000-0000-4000-8000-00000000be9c'
const domain = `${customer}.registrar.${base}`
const ports = { sip: 9160, api: 9180, asteriskSip: 9170, ari: 9188, mysql: 9416, rtpFrom: 26000, rtpTo: 28000 }
const plainPort = 9161
const devicePort = 9162

const children = 8
const rounds = 5
const milliseconds = 5_000
/** Devices that register during the measurement, spread over all. */
const active = 20_000
/** Registrations in progress at the same time: enough that every worker always has one. */
const window = 96

/**
 * Full digest registrations a second (REGISTER, challenge, REGISTER, 200): our edge with every protection, against a
 * plain Kamailio with auth_db and usrloc in write-through, on the same MySQL, with the same number of workers and from
 * the same sender, in turns.
 */
export async function benchRegister(sizes = [1_000, 1_000_000]): Promise<void> {
  const env = { HASHDIAL_CHILDREN: String(children), HASHDIAL_FLOOD: '100000000' }
  const stack = await openStack({ name: 'bench-register', ports, hashdial: false, progress: console.log, env })
  try {
    stack.site.room.furnish()
    await stack.part('mysql').start()
    await dropDatabase(stack.site)
    await migrateStack(stack.site)
    const database = await createConnection(stack.databaseUrl)
    await plainTables(stack)
    console.log(
      'Whole registrations a second: REGISTER, challenge, REGISTER, 200; every one a transaction on the disk.',
    )
    const rates: number[] = []
    for (const size of sizes) rates.push(await compare(stack, database, size))
    if (rates.length > 1)
      console.log(`ours with ${sizes.at(-1)} extensions: ${ratio(rates.at(-1)!, rates[0]!)} of ${sizes[0]}`)
    await database.end()
  } finally {
    await stack.stop()
  }
}

/** Returns our median rate. */
async function compare(stack: Stack, database: Connection, extensions: number): Promise<number> {
  await fillTables(database, { customer, base, count: extensions })
  await registerAll(database, devicePort)
  await settle(stack)
  await stack.part('kamailio').start()
  const plain = await startPlain(stack)
  try {
    const devices = Array.from({ length: Math.min(active, extensions) }, (_, n) => n * Math.ceil(extensions / active))
    const load = { devices, domain, realm: base, window, from: devicePort }
    const both = { ours: stack.ports.sip, plain: plainPort }
    // Each is known here before it counts: what a device does all day is to register again.
    for (const port of Object.values(both)) await RegisterLoad.run({ ...load, port })
    await untilSteady(() => RegisterLoad.run({ ...load, port: plainPort, milliseconds }))
    const outcomes: Record<keyof typeof both, Outcome[]> = { ours: [], plain: [] }
    for (let round = 0; round < rounds; round++) {
      for (const name of ['ours', 'plain'] as const) {
        outcomes[name].push(await RegisterLoad.run({ ...load, port: both[name], milliseconds }))
      }
    }
    if (plain.exitCode !== null) throw new Error(`the plain Kamailio has ended: see ${stack.folder}/plain.log`)
    await checkRows(database, outcomes.ours)
    return report(extensions, outcomes.ours, outcomes.plain)
  } finally {
    if (plain.exitCode === null) {
      plain.kill('SIGTERM')
      await once(plain, 'exit')
    }
    await stack.part('kamailio').stop()
  }
}

/** A disk that has just taken a million rows is slow for a minute: waits until the rate of the floor does not rise any more. */
async function untilSteady(measure: () => Promise<Outcome>): Promise<void> {
  let best = 0
  for (let steady = 0, round = 0; steady < 3 && round < 30; round++) {
    const { rate } = await measure()
    steady = rate > best * 1.03 ? 0 : steady + 1
    best = Math.max(best, rate)
  }
}

export async function startPlain(stack: Stack): Promise<ChildProcess> {
  copyFileSync(join(checkout, 'bench/plain-register.cfg'), join(stack.folder, 'plain-register.cfg'))
  const log = openSync(join(stack.folder, 'plain.log'), 'w')
  const listen = `udp:127.0.0.1:${plainPort}`
  const plain = stack.spawn(
    'kamailio',
    ['-f', '/stack/plain-register.cfg', '-DD', '-E', '-w', '/tmp', '-Y', '/tmp', '-l', listen],
    {
      user: 'kamailio',
      env: { BENCH_DB: kamailioDatabaseUrl(stack.site), BENCH_REALM: base, BENCH_CHILDREN: String(children) },
      stdio: ['ignore', log, log],
    },
  )
  if (await becomesTrue(120_000, () => answersOptions(plainPort))) return plain
  plain.kill('SIGKILL')
  throw new Error(`the plain Kamailio does not start: see ${stack.folder}/plain.log`)
}

/** What was answered with 200 is in the table, as it was answered. */
async function checkRows(database: Connection, outcomes: readonly Outcome[]): Promise<void> {
  const granted = new Map(outcomes.flatMap(({ granted }) => [...granted]))
  const [rows] = await database.query<RowDataPacket[]>(
    `SELECT call_id, cseq FROM registrations WHERE tm_expire > UTC_TIMESTAMP() + INTERVAL 3000 SECOND`,
  )
  const stored = new Map(rows.map(({ call_id: callId, cseq }) => [callId as string, cseq as number]))
  const wrong = [...granted].filter(([callId, cseq]) => (stored.get(callId) ?? 0) < cseq)
  if (wrong.length > 0) throw new Error(`${wrong.length} registrations were answered with 200 and are not stored`)
}

function report(extensions: number, ours: readonly Outcome[], plain: readonly Outcome[]): number {
  const line = (name: string, outcomes: readonly Outcome[]) => {
    const sum = (pick: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + pick(outcome), 0)
    const rates = outcomes.map(({ rate }) => Math.round(rate)).join(' ')
    const late = median(outcomes.map((outcome) => outcome.median)).toFixed(1)
    console.log(
      `  ${name}: ${Math.round(median(outcomes.map(({ rate }) => rate)))}/s (rounds ${rates}), ` +
        `median ${late} ms, ${sum(({ refused }) => refused)} refused, ${sum(({ retransmitted }) => retransmitted)} sent again`,
    )
    const refusal = outcomes.find(({ last }) => last !== '')?.last
    if (refusal) console.log(`    the last refusal: ${refusal.split('\r\n')[0]}`)
  }
  console.log(
    `${extensions} extensions, all registered, of which ${Math.min(active, extensions)} do it again and again:`,
  )
  line('Hashdial', ours)
  line('plain Kamailio (auth_db, usrloc write-through)', plain)
  const [mine, theirs] = [median(ours.map(({ rate }) => rate)), median(plain.map(({ rate }) => rate))]
  console.log(`  ratio ${ratio(mine, theirs)}`)
  return mine
}

const ratio = (one: number, other: number): string => (one / other).toFixed(2)

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN
}
