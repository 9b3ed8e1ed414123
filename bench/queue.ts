import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection } from 'mysql2/promise'
import { startStack, type Stack } from '../src/stack/stack.ts'
import { becomesTrue } from '../src/stack/shell.ts'
import { call } from '../test/acd/crowd.ts'
import { makeAgent, makeQueue, queuecalls, says } from '../test/acd/support.ts'
import { device, sdp } from '../test/calls/support.ts'
import type { Setup } from '../test/support/setup.ts'
import { header, type SipClient, type SipMessage } from '../test/support/sip.ts'
import { ports } from './load.ts'
import { quantile, withSetup } from './setup.ts'

const rounds = 100
/** Callers with a channel; the others are rows, behind them in rank. */
const real = 10

/** From the end of an agent's call to the INVITE of the next caller at its device, with few and with many who wait. */
export async function benchQueue(): Promise<void> {
  const stack = await startStack({ name: 'bench-queue', ports, fresh: true, progress: console.log })
  try {
    for (const waiting of [10, 1_000])
      await withSetup(stack, 'queue', async (setup) => {
        const times = (await measure(setup, stack, waiting)).sort((one, other) => one - other)
        const [median, p99] = [quantile(times, 0.5), quantile(times, 0.99)]
        console.log(`${waiting} waiting: median ${median.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms of ${times.length}`)
      })
  } finally {
    await stack.stop()
  }
}

async function measure(setup: Setup, stack: Stack, waiting: number): Promise<number[]> {
  const extension = await setup.extension()
  const phone = await device(setup, extension)
  const agent = await makeAgent(setup, extension)
  const queue = await makeQueue(setup)
  const actions = [{ type: 'queue_join', option: { queue_id: queue.id, priority: 1_000 } }]
  const flow = await setup.api<{ direct_uri: string }>('POST', '/flows', { actions })
  await fill(stack, queue.id, setup.customer.id, waiting - real)
  let isOver = false
  const callers = Array.from({ length: real }, async () => {
    while (!isOver) await call(setup, flow.body.direct_uri, 120_000).catch(() => false)
  })
  const live = async () =>
    (await queuecalls(setup, queue)).filter(({ offers }) => offers === 0).length >= Math.min(100, waiting)
  if (!(await becomesTrue(30_000, live))) throw new Error('the callers did not come')
  const times = answerAll(phone)
  await says(setup, agent, 'available')
  const all = await times
  isOver = true
  const { body } = await setup.api<{ result: { id: string }[] }>('GET', '/calls')
  for (const { id } of body.result) await setup.api('POST', `/calls/${id}/hangup`)
  await Promise.all(callers)
  return all
}

/** Answers each call at once and ends it a moment later; tells how long each next one took to come. */
async function answerAll(phone: SipClient): Promise<number[]> {
  const times: number[] = []
  let ended: number | undefined
  let since = phone.received.length
  for (let round = 0; round <= rounds; round++) {
    const invite = await phone.message(({ method }) => method === 'INVITE', since, 30_000)
    if (ended !== undefined) times.push(performance.now() - ended)
    since = phone.received.length
    const tag = randomUUID()
    phone.reply(invite, '200 OK', [], sdp('127.0.0.1', 40_000), tag)
    await phone.message(({ method }) => method === 'ACK', since)
    await sleep(100)
    since = phone.received.length
    ended = performance.now()
    await bye(phone, invite, tag)
  }
  return times
}

async function bye(phone: SipClient, invite: SipMessage, tag: string): Promise<void> {
  const routes = (invite.headers.get('record-route') ?? []).flatMap((value) => value.split(/,\s*/))
  const uri = /<([^>]+)>/.exec(header(invite, 'contact'))?.[1] ?? ''
  const dialog = { uri, callId: header(invite, 'call-id'), tag, to: header(invite, 'from'), from: header(invite, 'to') }
  await phone.request('BYE', { ...dialog, extra: routes.map((route) => `Route: ${route}`) })
}

/** Callers who wait further behind. Nobody comes to them, so they need no channel. */
async function fill(stack: Stack, queueId: string, customerId: string, count: number): Promise<void> {
  const connection = await createConnection(stack.databaseUrl)
  const time = '2100-01-01 00:00:00.000000'
  const rows = Array.from({ length: count }, () => [
    ...[
      randomUUID(),
      customerId,
      queueId,
      randomUUID(),
      randomUUID(),
      'elsewhere:1',
      'waiting',
      '',
      null,
      0,
      '[]',
      0,
      0,
      0,
    ],
    ...[time, time, null, null, time, null],
  ])
  if (rows.length > 0) await connection.query('INSERT INTO queuecalls VALUES ?', [rows])
  await connection.end()
}
