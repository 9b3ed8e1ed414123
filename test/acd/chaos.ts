import { setTimeout as sleep } from 'node:timers/promises'
import type { Part } from '../../src/stack/part.ts'
import type { Stack } from '../../src/stack/stack.ts'
import type { Setup } from '../support/setup.ts'
import { AgentRobot, call, randomOf } from './crowd.ts'
import { readLedger, type Ledger } from './ledger.ts'
import { makeQueue } from './support.ts'

/** How long an agent who has not taken a caller is left alone with them, in milliseconds. */
export const delayMs = 1_500

export interface Outcome {
  ledger: Ledger
  agents: AgentRobot[]
  /** Callers who came into the queue, as they saw it. */
  came: number
  queueId: string
}

export interface ChaosOptions {
  seconds: number
  killSeconds: number
  agents: number
  callers: number
  /** What is killed, in turn; without it the stack's Hashdial. */
  victims?: readonly Part[]
  /** How many addresses lead into the queue: Kamailio sends all calls to one of them to the same Asterisk. */
  addresses?: number
}

/**
 * Moody agents and callers with little patience, and a Hashdial that is killed each `killSeconds`. It ends when everybody
 * has gone.
 */
export async function chaos(
  setup: Setup,
  stack: Stack,
  { seconds, killSeconds, agents: count, callers, victims = [stack.part('hashdial')], addresses = 1 }: ChaosOptions,
): Promise<Outcome> {
  const random = randomOf(4711)
  const delays = { no_answer_delay: delayMs, reject_delay: delayMs, busy_delay: delayMs }
  const queue = await makeQueue(setup, { ring_timeout: 2_000, wrap_up: 300, ...delays })
  const uris = [queue.direct_uri]
  while (uris.length < addresses) uris.push(await wayInto(setup, queue.id))
  const agents: AgentRobot[] = []
  for (let index = 0; index < count; index++) agents.push(await AgentRobot.open(setup, random))
  const calls: Promise<boolean>[] = []
  const end = performance.now() + seconds * 1_000
  const kills = killing(victims, end, killSeconds)
  const pause = (seconds * 1_000) / callers
  while (performance.now() < end) {
    const patience = 1_000 + random() * 14_000
    calls.push(call(setup, uris[calls.length % uris.length]!, patience).catch(() => false))
    await sleep(pause * (0.5 + random()))
  }
  for (const agent of agents) agent.isTame = true
  const came = (await Promise.all(calls)).filter(Boolean).length
  await kills
  return { ledger: await settled(stack, queue.id), agents, came, queueId: queue.id }
}

async function wayInto(setup: Setup, queue_id: string): Promise<string> {
  const actions = [
    { type: 'answer', option: {} },
    { type: 'queue_join', option: { queue_id } },
  ]
  return (await setup.api<{ direct_uri: string }>('POST', '/flows', { actions })).body.direct_uri
}

async function killing(victims: readonly Part[], end: number, everySeconds: number): Promise<void> {
  for (let index = 0; ; index++) {
    await sleep(everySeconds * 1_000)
    if (performance.now() > end) return
    const victim = victims[index % victims.length]!
    await victim.kill9()
    await victim.start()
  }
}

/** What MySQL knows when nobody is in the queue any more. */
async function settled(stack: Stack, queueId: string): Promise<Ledger> {
  const late = performance.now() + 60_000
  for (;;) {
    const ledger = await readLedger(stack.databaseUrl, queueId)
    const isOver = ledger.visits.every(({ status }) => ['done', 'abandoned'].includes(status))
    if (isOver || performance.now() > late) return ledger
    await sleep(500)
  }
}
