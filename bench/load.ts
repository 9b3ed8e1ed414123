import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection } from 'mysql2/promise'
import { checkout } from '../src/stack/room.ts'
import { becomesTrue } from '../src/stack/shell.ts'
import type { Stack } from '../src/stack/stack.ts'

export const base = 'hashdial.test'
const callerPort = 9191
export const ports = {
  ...{ sip: 9060, api: 9080, asteriskSip: 9070, ari: 9088, mysql: 9316 },
  // Calls pile up at a rate that is too high, and an Asterisk without a free port for one more may crash.
  ...{ rtpFrom: 10000, rtpTo: 24999 },
}
/** How long the two talk, in milliseconds. */
const talk = 200
/** How long a rate must hold. */
const seconds = 6

export interface Contestant {
  name: string
  /** The user part that is dialled. */
  address: string
  /** What the caller does. */
  scenario: 'caller.xml' | 'ended.xml'
}

/** Puts what SIPp is to do where it can read it. */
export function copyScenarios(stack: Stack): void {
  mkdirSync(join(stack.folder, 'bench'), { recursive: true })
  for (const name of ['caller.xml', 'device.xml', 'ended.xml'])
    copyFileSync(join(checkout, 'bench/sipp', name), join(stack.folder, 'bench', name))
}

/** A direct address of this resource. */
export async function address(database: Connection, customer: string, type: string, id: string): Promise<string> {
  const hash = randomBytes(6).toString('hex')
  await database.query('INSERT INTO directs VALUES (?, ?, ?, ?, NOW(6), NULL)', [type, id, customer, hash])
  return `direct.${hash}`
}

/** Makes calls: how many succeeded, with none begun late and none asked for twice, and how many seconds it took. */
export async function callsAt(
  stack: Stack,
  { address, scenario }: Contestant,
  rate: number,
  count: number,
): Promise<{ done: number; took: number }> {
  const from = ['-i', '127.0.0.1', '-p', String(callerPort), '-nostdin', '-nr', '-recv_timeout', '8000']
  const { output } = await stack.run('sipp', [
    ...[`127.0.0.1:${stack.ports.sip}`, '-sf', `/stack/bench/${scenario}`, ...from],
    ...['-key', 'address', address, '-key', 'base', base, '-r', String(rate), '-m', String(count), '-d', String(talk)],
    ...['-l', String(rate * 3), '-timeout', `${Math.ceil(count / rate) * 4}s`],
  ])
  const done = Number(/Successful call\s*\|\s*\d+\s*\|\s*(\d+)/.exec(output)?.[1] ?? 0)
  const elapsed = /Elapsed Time\s*\|[^|]*\|\s*00:(\d\d):(\d\d)/.exec(output)
  return { done, took: elapsed ? Number(elapsed[1]) * 60 + Number(elapsed[2]) : Infinity }
}

/** The highest rate of each that loses no call: all are tried at each step in turn, so that all see the same machine. */
export async function highestRates(stack: Stack, contestants: readonly Contestant[]): Promise<number[]> {
  const search = contestants.map((contestant) => ({ contestant, good: 0, bad: Infinity }))
  for (const contestant of contestants) await callsAt(stack, contestant, 100, 2_000) // Node compiles what runs often
  const open = ({ good, bad }: { good: number; bad: number }) => bad - good > Math.max(5, good * 0.04)
  while (search.some(open)) {
    for (const range of search.filter(open)) {
      const rate = Math.round(range.bad === Infinity ? Math.max(50, range.good * 1.5) : (range.good + range.bad) / 2)
      // A failure must show twice: something else on the machine can cost a call once.
      const held = (await holds(stack, range.contestant, rate)) || (await holds(stack, range.contestant, rate))
      console.log(`  ${range.contestant.name}: ${rate} calls/s ${held ? 'without a failure' : 'with failures'}`)
      if (held) range.good = rate
      else range.bad = rate
    }
  }
  return search.map(({ good }) => good)
}

/** Does every call succeed at this rate, with none begun late and none asked for twice? */
async function holds(stack: Stack, contestant: Contestant, rate: number): Promise<boolean> {
  const { done, took } = await callsAt(stack, contestant, rate, rate * seconds)
  await new Promise((resolve) => setTimeout(resolve, 1_000)) // what the run left is no part of the next one
  const held = done === rate * seconds && took <= seconds + 2
  if (await becomesTrue(held ? 60_000 : 15_000, () => hasNoChannels(stack))) return held
  // A call whose BYE was lost in the crowd lives until its session timer ends it.
  if (!held) await stack.run('asterisk', ['-rx', 'channel request hangup all'])
  if (!held && (await becomesTrue(60_000, () => hasNoChannels(stack)))) return false
  throw new Error(`Asterisk has calls that do not end, or has ended: see ${stack.part('asterisk').log}`)
}

export async function hasNoChannels(stack: Stack): Promise<boolean> {
  const { output } = await stack.run('asterisk', ['-rx', 'core show channels count'])
  return /^0 active channels/m.test(output)
}
