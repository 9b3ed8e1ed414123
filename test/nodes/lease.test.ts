import test, { type ExecutionContext } from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { startStack } from '../../src/stack/stack.ts'
import { hasEnded, hearEachOther, latestCall, leavesNothing, talking, type CallView } from '../calls/support.ts'
import { listener } from '../actions/support.ts'
import { flow as makeFlow } from '../support/flows.ts'
import { secondHashdial, type Second } from '../support/second.ts'
import { setUp, type Setup } from '../support/setup.ts'

/** A stack of this file's own, for its parts are killed. */
const ports = { sip: 30060, api: 30080, asteriskSip: 30070, ari: 30088, mysql: 30316, rtpFrom: 30400, rtpTo: 30999 }
const env = { HASHDIAL_FETCH_PRIVATE: '127.0.0.1' }
const stack = await startStack({ name: 'nodes', ports, env, fresh: true })
test.after.always(() => stack.stop())
// Each test begins with the first process alone.
test.beforeEach(() => stack.part('hashdial').start())

const first = () => stack.part('hashdial')

interface Health {
  status: string
  nodes: { connected: number; held: number; waiting: number }
}

async function carries(url: string): Promise<Health['nodes'] | undefined> {
  const response = await fetch(`${url}/health`).catch(() => undefined)
  return response && ((await response.json()) as Health).nodes
}

const isConnected = (url: string, milliseconds = 15_000): Promise<boolean> =>
  becomesTrue(milliseconds, async () => (await carries(url))?.connected === 1)

async function two(t: ExecutionContext): Promise<{ setup: Setup; second: Second }> {
  const setup = await setUp(t, stack)
  const second = secondHashdial(t, stack, setup, 30081)
  t.true(await isConnected(stack.apiUrl))
  await second.part.start()
  // The customer is removed by it.
  t.teardown(() => first().start())
  return { setup, second }
}

const isUp = ({ status }: CallView): boolean => status === 'progressing'

test.serial('a second process waits while the first carries the Asterisk, and both say so', async (t) => {
  const { second } = await two(t)
  t.deepEqual(await carries(stack.apiUrl), { connected: 1, held: 0, waiting: 0 })
  t.deepEqual(await carries(second.url), { connected: 0, held: 0, waiting: 1 })
})

test.serial('when the first is killed the second carries its calls on, and the two go on talking', async (t) => {
  const { setup, second } = await two(t)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await talking(t, setup, extension.direct_uri, phone)
  const before = await latestCall(setup.api, isUp)
  await first().kill9()
  const killed = performance.now()
  t.true(await isConnected(second.url))
  t.log(`taken over after ${Math.round(performance.now() - killed)} ms`)
  t.is((await latestCall(second.api, isUp)).id, before.id)
  await hearEachOther(t, stranger, phone)
  await phone.hangup()
  await stranger.closed()
  const ended = await latestCall(second.api, hasEnded)
  t.is(ended.id, before.id)
  t.is(ended.hangup_reason, 'normal')
  t.true(await leavesNothing(stack))
})

test.serial('one that is stopped hands over at once, and does not come back for it', async (t) => {
  const { setup, second } = await two(t)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await talking(t, setup, extension.direct_uri, phone)
  await first().stop()
  t.true(await isConnected(second.url, 5_000))
  await hearEachOther(t, stranger, phone)
  await first().start()
  t.deepEqual(await carries(stack.apiUrl), { connected: 0, held: 0, waiting: 1 })
  t.deepEqual(await carries(second.url), { connected: 1, held: 0, waiting: 0 })
  await hearEachOther(t, stranger, phone)
  await stranger.hangup()
  await phone.closed()
  await latestCall(setup.api, hasEnded)
  t.true(await leavesNothing(stack))
})

test.serial('a request that reaches the one that waits is answered by the one that carries the call', async (t) => {
  const { setup, second } = await two(t)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await talking(t, setup, extension.direct_uri, phone)
  const { id } = await latestCall(setup.api, isUp)
  t.is((await second.api('POST', `/calls/${id}/mute`, { direction: 'in' })).status, 200)
  t.is((await second.api('POST', `/calls/${id}/mute`, { direction: 'in', muted: false })).status, 200)
  await hearEachOther(t, stranger, phone)
  t.is((await second.api('POST', `/calls/${id}/hangup`)).status, 200)
  await phone.closed()
  await stranger.closed()
  await latestCall(setup.api, hasEnded)
  t.is((await second.api('POST', `/calls/${id}/mute`, {})).status, 409)
})

test.serial('a call that is ordered from the one that waits is made by the one that carries', async (t) => {
  const { setup, second } = await two(t)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const destination = { type: 'extension', target: extension.id }
  const ordered = await second.api<{ id: string }>('POST', '/calls', {
    destination,
    actions: [{ type: 'echo', option: {} }],
  })
  t.is(ordered.status, 201)
  await phone.rings()
  await phone.answer()
  t.is((await latestCall(setup.api, isUp)).id, ordered.body.id)
  await phone.hangup()
  await latestCall(setup.api, hasEnded)
})

test.serial('a flow runs once, whichever of two processes hears of the call', async (t) => {
  const { setup } = await two(t)
  const web = await listener(t, (_asked, response) => response.end())
  const uri = await makeFlow(setup, [['answer'], ['webhook_send', { uri: web.url, sync: true }], ['hangup']])
  for (let n = 0; n < 3; n++) {
    const stranger = await setup.stranger()
    await stranger.dial(uri)
    await stranger.closed()
  }
  t.true(await becomesTrue(5_000, () => web.asked.length === 3))
  const { body } = await setup.api<{ result: CallView[] }>('GET', '/calls')
  t.is(body.result.length, 3)
  t.is(web.asked.length, 3)
})

test.serial('two that are started at the same moment do not both carry it', async (t) => {
  const setup = await setUp(t, stack)
  const second = secondHashdial(t, stack, setup, 30081)
  await first().stop()
  await Promise.all([first().start(), second.part.start()])
  const connected = async () =>
    ((await carries(stack.apiUrl))?.connected ?? 0) + ((await carries(second.url))?.connected ?? 0)
  t.true(await becomesTrue(10_000, async () => (await connected()) === 1))
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await talking(t, setup, extension.direct_uri, phone)
  await hearEachOther(t, stranger, phone)
  await stranger.hangup()
  await phone.closed()
  t.is((await setup.api<{ result: CallView[] }>('GET', '/calls')).body.result.length, 1)
  t.true(await leavesNothing(stack))
})

test.serial('a MySQL that is away for longer than the lease takes the Asterisk from nobody', async (t) => {
  const { setup, second } = await two(t)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await talking(t, setup, extension.direct_uri, phone)
  await stack.part('mysql').stop()
  await hearEachOther(t, stranger, phone)
  await new Promise((resolve) => setTimeout(resolve, 5_000)) // longer than the lease
  await hearEachOther(t, stranger, phone)
  await stack.part('mysql').start()
  const isOk = async (url: string) =>
    ((await (await fetch(`${url}/health`)).json()) as { mysql: string }).mysql === 'ok'
  t.true(await becomesTrue(20_000, () => isOk(stack.apiUrl)))
  t.true(await becomesTrue(20_000, () => isOk(second.url)))
  t.is((await carries(stack.apiUrl))?.connected, 1)
  t.is((await carries(second.url))?.waiting, 1)
  await stranger.hangup()
  await phone.closed()
  await latestCall(setup.api, hasEnded)
  t.true(await leavesNothing(stack))
})

test.serial('a call of an Asterisk that is away is ended by the API at once', async (t) => {
  const setup = await setUp(t, stack)
  t.true(await isConnected(stack.apiUrl))
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await talking(t, setup, extension.direct_uri, phone)
  const { id } = await latestCall(setup.api, isUp)
  t.teardown(() => stack.part('asterisk').start())
  await stack.part('asterisk').kill9()
  t.true(await becomesTrue(10_000, async () => (await carries(stack.apiUrl))?.held === 1))
  t.is((await setup.api('POST', `/calls/${id}/hangup`)).status, 200)
  const ended = await latestCall(setup.api, hasEnded)
  t.is(ended.id, id)
  t.is(ended.hangup_by, 'local')
  await stack.part('asterisk').start()
  t.true(await isConnected(stack.apiUrl))
  t.true(await leavesNothing(stack))
  await Promise.all([stranger, phone].map((one) => one.stop()))
})
