import test, { type ExecutionContext } from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import type { Part } from '../../src/stack/part.ts'
import { hearEachOther, sdp, talking, type CallView } from '../calls/support.ts'
import { BareCaller } from '../support/caller.ts'
import { flow as makeFlow } from '../support/flows.ts'
import { secondHashdial, twoAsterisks, type Second } from '../support/second.ts'
import { setUp, type Setup } from '../support/setup.ts'
import type { Softphone } from '../support/softphone.ts'

/** How often each part is killed, and how many calls are up: HASHDIAL_CHAOS=3x40 is a long run. */
const [rounds = 1, count = 10] = (process.env.HASHDIAL_CHAOS ?? '1x10').split('x').map(Number)

const ports = { sip: 30060, api: 30080, asteriskSip: 30070, ari: 30088, mysql: 30316, rtpFrom: 30400, rtpTo: 30699 }
const otherPorts = { ...ports, asteriskSip: 30072, ari: 30090, rtpFrom: 30700, rtpTo: 30999 }
const nodes = [`127.0.0.1:${ports.ari}`, `127.0.0.1:${otherPorts.ari}`] as const
const name = 'chaos'
const { stack, other } = await twoAsterisks(name, ports, otherPorts)
test.after.always(async () => {
  await stack.stop()
  await other.part.stop()
})

/** Somebody who hears digits being said, until they hang up. */
interface Listener {
  caller: BareCaller
  node: string
}

interface House {
  t: ExecutionContext
  setup: Setup
  second: Second
  /** Addresses of flows: Kamailio sends all calls of one to the same Asterisk. */
  uris: string[]
  listeners: Listener[]
}

const live = async ({ setup }: House): Promise<(CallView & { node: string })[]> => {
  const { body } = await setup.api<{ result: CallView[] }>('GET', '/calls')
  const rows = await sql<{ id: string; node: string }>('SELECT id, node FROM calls WHERE tm_hangup IS NULL')
  const nodeOf = new Map(rows.map(({ id, node }) => [id, node]))
  return body.result.filter(({ id }) => nodeOf.has(id)).map((call) => ({ ...call, node: nodeOf.get(call.id)! }))
}

async function sql<Row>(text: string): Promise<Row[]> {
  const { createConnection } = await import('mysql2/promise')
  const connection = await createConnection(stack.databaseUrl)
  const [rows] = await connection.query(text)
  await connection.end()
  return rows as Row[]
}

/** Calls until there are enough who listen. */
async function fill(house: House): Promise<void> {
  const { t, setup, uris, listeners } = house
  while (listeners.length < count) {
    const caller = await BareCaller.open(t, setup)
    const answer = await caller.dial(uris[listeners.length % uris.length]!, sdp('127.0.0.1', caller.ports[0]!))
    if (answer.status !== 200) throw new Error(`a call was answered with ${answer.start}`)
    listeners.push({ caller, node: '' })
  }
  t.true(await becomesTrue(10_000, async () => (await live(house)).length >= count))
  const calls = await live(house)
  for (const listener of listeners)
    listener.node = calls.find(({ sip_call_id }) => sip_call_id === listener.caller.call.callId)?.node ?? listener.node
}

/** Those hear on. */
async function hearOn(t: ExecutionContext, listeners: readonly Listener[], why: string): Promise<void> {
  const before = listeners.map(({ caller }) => caller.heard[0]!)
  const all = () => listeners.every(({ caller }, index) => caller.heard[0]! > before[index]! + 10)
  t.true(await becomesTrue(10_000, all), `${why}: everybody hears on`)
}

async function carried(...urls: string[]): Promise<number> {
  const counts = urls.map(async (url) => {
    const response = await fetch(`${url}/health`).catch(() => undefined)
    return response ? ((await response.json()) as { nodes: { connected: number } }).nodes.connected : 0
  })
  return (await Promise.all(counts)).reduce((sum, one) => sum + one, 0)
}

const isWhole = (...urls: string[]): Promise<boolean> => becomesTrue(20_000, async () => (await carried(...urls)) === 2)

/** The process is killed: nobody notices, and the other answers the API meanwhile. */
async function killHashdial(house: House, victim: Part, survivor: Pick<Second, 'api' | 'url'>): Promise<void> {
  const { t, listeners, second } = house
  const before = (await live(house)).map(({ id }) => id).sort()
  await victim.kill9()
  await hearOn(t, listeners, 'a Hashdial was killed')
  t.is((await survivor.api('GET', '/calls')).status, 200)
  t.true(await isWhole(survivor.url), 'the other carries both Asterisks')
  await victim.start()
  t.true(await isWhole(stack.apiUrl, second.url))
  t.deepEqual((await live(house)).map(({ id }) => id).sort(), before, 'each call is there once')
  await hearOn(t, listeners, 'it is back')
}

/** The Asterisk is killed: its calls end, those of the other go on. */
async function killAsterisk(house: House, victim: Part, node: string): Promise<void> {
  const { t, listeners, second } = house
  await victim.kill9()
  const safe = listeners.filter((listener) => listener.node !== node)
  await hearOn(t, safe, 'an Asterisk was killed')
  await victim.start()
  t.true(await isWhole(stack.apiUrl, second.url))
  t.true(await becomesTrue(20_000, async () => (await live(house)).every((call) => call.node !== node)))
  listeners.splice(0, Infinity, ...safe)
  await fill(house)
}

async function killEach(house: House): Promise<void> {
  const { setup, second } = house
  const first = { api: setup.api, url: stack.apiUrl }
  await killHashdial(house, stack.part('hashdial'), second)
  await killHashdial(house, second.part, first)
  await killAsterisk(house, stack.part('asterisk'), nodes[0])
  await killAsterisk(house, other.part, nodes[1])
}

async function nothingLeft(): Promise<boolean> {
  const left = await Promise.all(
    [stack.ariUrl, other.ariUrl].flatMap((text) => {
      const url = new URL(text)
      const authorization = `Basic ${btoa(`${url.username}:${url.password}`)}`
      return ['channels', 'bridges'].map(async (what) => {
        const response = await fetch(`${url.origin}/ari/${what}`, { headers: { authorization } })
        return ((await response.json()) as unknown[]).length
      })
    }),
  )
  const running = await sql(
    'SELECT id FROM activeflows WHERE tm_end IS NULL UNION SELECT id FROM calls WHERE tm_hangup IS NULL',
  )
  return left.every((one) => one === 0) && running.length === 0
}

/** Two softphones that talk by way of whichever Asterisk. */
async function pair(t: ExecutionContext, setup: Setup): Promise<[Softphone, Softphone]> {
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  return [await talking(t, setup, extension.direct_uri, phone), phone]
}

test('two processes and two Asterisks are killed in turn: who can go on goes on, and nothing is doubled or left', async (t) => {
  t.timeout(900_000)
  const setup = await setUp(t, stack)
  const second = secondHashdial(t, stack, setup, 30081)
  await second.part.start()
  const digits = Array.from({ length: 50 }, () => `digits:${'1234567890'.repeat(6)}`)
  const uris: string[] = []
  for (let n = 0; n < 8; n++) uris.push(await makeFlow(setup, [['answer'], ['play', { stream_urls: digits }]]))
  const house: House = { t, setup, second, uris, listeners: [] }
  await fill(house)
  t.deepEqual([...new Set(house.listeners.map(({ node }) => node))].sort(), [...nodes], 'both Asterisks have calls')
  const talkers = await pair(t, setup)
  await killHashdial(house, stack.part('hashdial'), second)
  await hearEachOther(t, ...talkers)
  await talkers[0].hangup()
  await talkers[1].closed()
  t.true(await becomesTrue(10_000, async () => (await live(house)).length === count))
  for (let round = 0; round < rounds; round++) await killEach(house)
  await Promise.all(house.listeners.map(({ caller }) => caller.bye()))
  t.true(await becomesTrue(45_000, nothingLeft), 'no channel, bridge or running row is left')
  const rows = await sql<{ count: number; sip_call_id: string }>(
    'SELECT COUNT(*) AS count, sip_call_id FROM calls GROUP BY sip_call_id HAVING count > 1',
  )
  t.deepEqual(rows, [], 'no call is there twice')
})
