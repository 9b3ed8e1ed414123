import test from 'ava'
import { startStack } from '../../src/stack/stack.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { hasEnded, hearEachOther, latestCall, leavesNothing } from '../calls/support.ts'
import { activeflow, callFlow, flow, results, runs } from '../support/flows.ts'
import { setUp, type Extension } from '../support/setup.ts'
import { webServer } from '../support/web.ts'
import { id, listener, makeFlow } from './support.ts'

/** A stack of this file's own: Hashdial is killed in the middle of actions. */
const ports = { sip: 30060, api: 30080, asteriskSip: 30070, ari: 30088, mysql: 30316, rtpFrom: 30400, rtpTo: 30999 }
const env = { HASHDIAL_FETCH_PRIVATE: '127.0.0.1' }
const stack = await startStack({ name: 'fault-flows', ports, env, fresh: true })
test.after.always(() => stack.stop())

async function killAndStart(): Promise<void> {
  await stack.part('hashdial').kill9()
  await stack.part('hashdial').start()
}

test.serial('a sleep goes on for what is left of it, in the flow as it was', async (t) => {
  const setup = await setUp(t, stack)
  const list = [{ type: 'answer' }, { type: 'sleep', option: { duration: 5_000 } }, { type: 'stop' }]
  const flow = await makeFlow(setup, list)
  const caller = await setup.stranger()
  await caller.dial(flow.direct_uri)
  const began = performance.now()
  await caller.established()
  await activeflow(setup, runs('sleep'))
  await setup.api('PUT', `/flows/${flow.id}`, { actions: [{ type: 'sleep', option: { duration: 60_000 } }] })
  await killAndStart()
  const back = performance.now()
  await setup.api('DELETE', `/flows/${flow.id}`)
  await caller.closed(10_000)
  const took = performance.now() - began
  t.true(took >= 4_900, `${took} ms`)
  const left = performance.now() - back
  t.true(left < 4_000, `${left} ms after the start`)
  const ended = await activeflow(setup)
  t.deepEqual(
    ended.executed_actions.map(({ type, result }) => [type, result]),
    [
      ['answer', 'done'],
      ['sleep', 'done'],
      ['stop', 'done'],
    ],
  )
  t.true(await leavesNothing(stack))
})

test.serial('loops are counted on, and variables kept', async (t) => {
  const setup = await setUp(t, stack)
  const { direct_uri } = await makeFlow(setup, [
    { type: 'answer' },
    { id: id(1), type: 'variable_set', option: { key: 'rounds', value: '${rounds}x' } },
    { type: 'sleep', option: { duration: 1_500 } },
    { type: 'goto', option: { target_id: id(1), loop_count: 2 } },
  ])
  const caller = await setup.stranger()
  await caller.dial(direct_uri)
  await activeflow(setup, ({ variables, executed_actions }) => variables.rounds === 'xx' && executed_actions.length > 4)
  await killAndStart()
  await caller.closed(10_000)
  const ended = await activeflow(setup)
  t.is(ended.variables.rounds, 'xxx')
  t.is(results(ended, 'goto').length, 3)
})

test.serial('a fetch is asked again with the same key, and its actions run', async (t) => {
  const setup = await setUp(t, stack)
  const web = await listener(t, (_asked, response, count) => {
    if (count > 1) response.end(JSON.stringify([{ type: 'variable_set', option: { key: 'a', value: 'b' } }]))
  })
  const caller = await callFlow(setup, [['answer'], ['fetch', { event_url: web.url }], ['stop']])
  await activeflow(setup, runs('fetch'))
  t.true(await becomesTrue(5_000, () => web.asked.length === 1))
  await killAndStart()
  await caller.closed(10_000)
  t.is((await activeflow(setup)).variables.a, 'b')
  t.is(web.asked.length, 2)
  t.is(web.asked[0]!.headers['idempotency-key'], web.asked[1]!.headers['idempotency-key'])
})

test.serial('a webhook is sent again, and so is one of the flow that follows a call', async (t) => {
  const setup = await setUp(t, stack)
  const web = await listener(t, (_asked, response, count) => {
    if (count !== 1 && count !== 3) response.end()
  })
  const webhook = { type: 'webhook_send', option: { uri: web.url, sync: true } }
  const after = await makeFlow(setup, [webhook])
  const { direct_uri } = await makeFlow(setup, [{ type: 'answer' }, webhook], { on_complete_flow_id: after.id })
  const caller = await setup.stranger()
  await caller.dial(direct_uri)
  t.true(await becomesTrue(8_000, () => web.asked.length === 1))
  await killAndStart()
  await caller.closed(10_000)
  t.true(await becomesTrue(8_000, () => web.asked.length === 3))
  await activeflow(setup, runs('webhook_send'))
  await killAndStart()
  t.true(await becomesTrue(8_000, () => web.asked.length === 4))
  const last = await activeflow(setup)
  t.deepEqual(results(last, 'webhook_send'), ['done'])
  t.is((await setup.api<{ result: object[] }>('GET', '/activeflows')).body.result.length, 2)
})

const to = (...extensions: Extension[]) => ({
  destinations: extensions.map(({ id }) => ({ type: 'extension', target: id })),
})

test.serial('an outgoing call rings on, is answered, and its flow goes on', async (t) => {
  const setup = await setUp(t, stack)
  const web = await webServer(t)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const { status, body } = await setup.api<{ id: string }>('POST', '/calls', {
    ...to(extension),
    actions: [
      { type: 'play', option: { stream_urls: [`${web}/tone/700/3.wav`] } },
      { type: 'play', option: { stream_urls: [`${web}/tone/1000/60.wav`] } },
    ],
  })
  t.is(status, 201)
  await phone.rings()
  await killAndStart()
  t.is((await latestCall(setup.api, ({ status }) => status === 'ringing')).id, body.id)
  await phone.answer()
  t.true(await phone.hears(700))
  await killAndStart()
  t.true(await phone.hears(1000))
  t.is((await latestCall(setup.api, ({ status }) => status === 'progressing')).id, body.id)
  await phone.hangup()
  t.like(await latestCall(setup.api, hasEnded), { id: body.id, hangup_by: 'remote', hangup_reason: 'normal' })
  t.true(await leavesNothing(stack))
})

test.serial('an outgoing call that ended while Hashdial was away is shown as ended', async (t) => {
  const setup = await setUp(t, stack)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  await setup.api('POST', '/calls', { ...to(extension), actions: [{ type: 'sleep', option: { duration: 60_000 } }] })
  await phone.answer()
  await activeflow(setup, runs('sleep'))
  await stack.part('hashdial').kill9()
  await phone.hangup()
  await stack.part('hashdial').start()
  await latestCall(setup.api, hasEnded)
  await activeflow(setup)
  t.true(await leavesNothing(stack))
})

test.serial('call is made once, and what is chained ends with the call that made it', async (t) => {
  const setup = await setUp(t, stack)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const sleep = [{ type: 'sleep', option: { duration: 60_000 } }]
  const caller = await callFlow(setup, [
    ['answer'],
    ['call', { ...to(extension), actions: sleep, chained: true }],
    ['sleep', { duration: 60_000 }],
  ])
  await phone.rings()
  await killAndStart()
  await phone.answer()
  await activeflow(setup, runs('sleep'))
  t.is((await setup.api<{ result: object[] }>('GET', '/calls')).body.result.length, 2)
  await killAndStart()
  await caller.hangup()
  await phone.closed()
  t.like(await latestCall(setup.api, hasEnded), { hangup_by: 'local', hangup_reason: 'normal' })
  t.true(await leavesNothing(stack))
})

test.serial('a groupcall goes on: who answers gets the flow, the others stop ringing', async (t) => {
  const setup = await setUp(t, stack)
  const extensions = [await setup.extension(), await setup.extension()]
  const [one, other] = await Promise.all(extensions.map((extension) => setup.phone(extension)))
  const made = await setup.api<{ id: string }>('POST', '/groupcalls', {
    ...to(...extensions),
    actions: [{ type: 'sleep', option: { duration: 60_000 } }],
  })
  t.is(made.status, 201)
  await Promise.all([one!.rings(), other!.rings()])
  await killAndStart()
  await other!.answer()
  await one!.closed()
  const shown = async () =>
    (await setup.api<{ status: string; call_ids: string[] }>('GET', `/groupcalls/${made.body.id}`)).body
  t.true(await becomesTrue(5_000, async () => (await shown()).status === 'progressing'))
  await other!.hangup()
  t.true(await becomesTrue(5_000, async () => (await shown()).status === 'hangup'))
  t.is((await shown()).call_ids.length, 2)
  t.true(await leavesNothing(stack))
})

test.serial('connect rings several on, and who answers first is connected, through two crashes', async (t) => {
  const setup = await setUp(t, stack)
  const extensions = [await setup.extension(), await setup.extension()]
  const [one, other] = await Promise.all(extensions.map((extension) => setup.phone(extension)))
  const caller = await setup.stranger()
  await caller.dial(await flow(setup, [['connect', to(...extensions)]]))
  await Promise.all([one!.rings(), other!.rings()])
  await killAndStart()
  await other!.answer()
  await one!.closed()
  await hearEachOther(t, caller, other!)
  const heard = () => caller.heard(3_600).samples.length
  const before = heard()
  await killAndStart()
  t.true(await becomesTrue(10_000, () => heard() > before + 4 * 8_000), 'they talk on for seconds')
  await hearEachOther(t, caller, other!)
  await other!.hangup()
  await caller.closed()
  await latestCall(setup.api, hasEnded)
  t.true(await leavesNothing(stack))
})
