import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { startStack } from '../../src/stack/stack.ts'
import { setUp } from '../support/setup.ts'
import type { Softphone } from '../support/softphone.ts'
import { hasEnded, hearEachOther, latestCall, leavesNothing, sdp, talking } from './support.ts'

/** A stack of this file's own, for its parts are killed. Phones ring for 6 s only. */
const stack = await startStack({ name: 'fault', fresh: true, env: { HASHDIAL_RING_SECONDS: '6' } })
test.after.always(() => stack.stop())

/** What was away has to be seen to be back: until then callers are told to try again. */
function dialUntilItRings(caller: Softphone, uri: string): Promise<boolean> {
  return becomesTrue(10_000, () => caller.reaches(uri))
}

test.serial('a device that rings for too long is given up, and the caller is told 480', async (t) => {
  const setup = await setUp(t, stack)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const caller = await setup.sip()
  const call = { uri: extension.direct_uri, body: sdp('127.0.0.1', 40000) }
  const answer = await caller.request('INVITE', call, 10_000)
  caller.acknowledge(answer, call)
  t.is(answer.status, 480)
  await phone.closed()
  const ended = await latestCall(setup.api, hasEnded)
  t.is(ended.hangup_by, 'local')
  t.is(ended.hangup_reason, 'noanswer')
  t.true(await leavesNothing(stack))
})

test.serial(
  'two who talk go on talking when Hashdial is killed; then the call is shown, and ends properly',
  async (t) => {
    const setup = await setUp(t, stack)
    const extension = await setup.extension()
    const phone = await setup.phone(extension)
    const stranger = await talking(t, setup, extension.direct_uri, phone)
    const before = await latestCall(setup.api, ({ status }) => status === 'progressing')
    await stack.part('hashdial').kill9()
    await hearEachOther(t, stranger, phone)
    await stack.part('hashdial').start()
    const after = await latestCall(setup.api, ({ status }) => status === 'progressing')
    t.is(after.id, before.id)
    await hearEachOther(t, stranger, phone)
    await phone.hangup()
    await stranger.closed()
    const ended = await latestCall(setup.api, hasEnded)
    t.is(ended.id, before.id)
    t.is(ended.hangup_reason, 'normal')
    t.true(await leavesNothing(stack))
  },
)

test.serial('what was told before a crash is not told again, and the rest is told after it', async (t) => {
  const setup = await setUp(t, stack)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await talking(t, setup, extension.direct_uri, phone)
  const types = async (): Promise<string[]> => {
    const { body } = await setup.api<{ result: { type: string }[] }>('GET', '/events?page_size=50')
    return body.result.map(({ type }) => type).reverse()
  }
  t.true(await becomesTrue(5_000, async () => (await types()).includes('call_progressing')))
  await stack.part('hashdial').kill9()
  await stack.part('hashdial').start()
  await stranger.hangup()
  const isOver = (): boolean => ['call_hangup', 'activeflow_ended'].every((type) => told.includes(type))
  let told: string[] = []
  t.true(await becomesTrue(10_000, async () => ((told = await types()), isOver())))
  t.deepEqual(
    told.filter((type) => type.startsWith('call_')),
    ['call_created', 'call_ringing', 'call_progressing', 'call_hangup'],
  )
  t.is(told.filter((type) => type === 'activeflow_created').length, 1)
})

test.serial('a caller who hung up while Hashdial was away leaves nothing behind', async (t) => {
  const setup = await setUp(t, stack)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await talking(t, setup, extension.direct_uri, phone)
  await latestCall(setup.api, ({ status }) => status === 'progressing')
  await stack.part('hashdial').kill9()
  await stranger.hangup()
  await stack.part('hashdial').start()
  await phone.closed()
  await latestCall(setup.api, hasEnded)
  t.true(await leavesNothing(stack))
})

test.serial('a phone that rings when Hashdial is killed can still be answered after its restart', async (t) => {
  const setup = await setUp(t, stack)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await setup.stranger()
  await stranger.dial(extension.direct_uri)
  await phone.rings()
  await stack.part('hashdial').kill9()
  await stack.part('hashdial').start()
  await phone.answer()
  await Promise.all([stranger.established(), phone.established()])
  await hearEachOther(t, stranger, phone)
  await latestCall(setup.api, ({ status }) => status === 'progressing')
  await stranger.hangup()
  await phone.closed()
  await latestCall(setup.api, hasEnded)
  t.true(await leavesNothing(stack))
})

test.serial('a caller is told 503 with Retry-After while Hashdial is away, also while others talk', async (t) => {
  const setup = await setUp(t, stack)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  // While two talk, Asterisk keeps the application of the process that is gone.
  const stranger = await talking(t, setup, extension.direct_uri, phone)
  await stack.part('hashdial').kill9()
  const refused = await becomesTrue(5_000, async () => {
    const caller = await setup.sip()
    const call = { uri: extension.direct_uri, body: sdp('127.0.0.1', 40000) }
    // One who comes in before Asterisk has seen the process die has to wait for the next one.
    const answer = await caller.request('INVITE', call, 500).catch(() => undefined)
    if (answer) caller.acknowledge(answer, call)
    return answer?.status === 503 && Number(answer.headers.get('retry-after')?.[0]) > 0
  })
  t.true(refused)
  await stack.part('hashdial').start()
  await stranger.hangup()
  await phone.closed()
  t.true(await leavesNothing(stack))
})

test.serial(
  'a caller whose arrival nobody heard of, because Hashdial died just then, is served by the next one',
  async (t) => {
    const setup = await setUp(t, stack)
    const extension = await setup.extension()
    const phone = await setup.phone(extension)
    const stranger = await setup.stranger()
    // Stopped, it hears nothing; its socket is open still, so Asterisk lets the caller in.
    process.kill(stack.part('hashdial').pid!, 'SIGSTOP')
    await stranger.dial(extension.direct_uri)
    t.true(await becomesTrue(5_000, async () => !(await leavesNothing(stack, '', 0))))
    await stack.part('hashdial').kill9()
    await stack.part('hashdial').start()
    await phone.rings()
    await phone.answer()
    await hearEachOther(t, stranger, phone)
    await stranger.hangup()
    await phone.closed()
    t.true(await leavesNothing(stack))
  },
)

test.serial('calls are recorded as ended when Asterisk restarts, and new ones work soon', async (t) => {
  const setup = await setUp(t, stack)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await talking(t, setup, extension.direct_uri, phone)
  const before = await latestCall(setup.api, ({ status }) => status === 'progressing')
  await stack.part('asterisk').kill9()
  await stack.part('asterisk').start()
  const ended = await latestCall(setup.api, hasEnded)
  t.is(ended.id, before.id)
  t.is(ended.hangup_reason, 'failed')
  await Promise.all([stranger.hangup(), phone.hangup()])
  const other = await setup.extension()
  const [next, answering] = [await setup.stranger(), await setup.phone(other)]
  t.true(await dialUntilItRings(next, other.direct_uri), 'a new call within 10 s')
  await answering.answer()
  await hearEachOther(t, next, answering)
  await next.hangup()
  await answering.closed()
  t.true(await leavesNothing(stack))
})

test.serial('a registered device can be called after Kamailio has restarted', async (t) => {
  const setup = await setUp(t, stack)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  await stack.part('kamailio').kill9()
  await stack.part('kamailio').start()
  const stranger = await setup.stranger()
  t.true(await dialUntilItRings(stranger, extension.direct_uri))
  await phone.answer()
  await hearEachOther(t, stranger, phone)
  await stranger.hangup()
  await phone.closed()
})

test.serial('calls live on while MySQL is away, new ones are told 503, and all is well when it is back', async (t) => {
  const setup = await setUp(t, stack)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await talking(t, setup, extension.direct_uri, phone)
  await stack.part('mysql').kill9()
  const caller = await setup.sip()
  const call = { uri: extension.direct_uri, body: sdp('127.0.0.1', 40000) }
  const refused = await caller.request('INVITE', call, 15_000)
  caller.acknowledge(refused, call)
  t.is(refused.status, 503)
  await hearEachOther(t, stranger, phone)
  await stranger.hangup()
  await phone.closed()
  await stack.part('mysql').start()
  const ended = await latestCall(setup.api, ({ hangup_reason }) => hangup_reason === 'normal')
  t.is(ended.status, 'hangup')
  t.true(await dialUntilItRings(stranger, extension.direct_uri))
  await phone.answer()
  await hearEachOther(t, stranger, phone)
  await stranger.hangup()
  await phone.closed()
  t.true(await leavesNothing(stack))
})

test.serial('a caller who is being sent to somebody else gets there when Hashdial is killed meanwhile', async (t) => {
  const setup = await setUp(t, stack)
  const [one, other] = [await setup.extension(), await setup.extension()]
  const [first, second] = [await setup.phone(one), await setup.phone(other)]
  const caller = await talking(t, setup, one.direct_uri, first)
  const { id } = await latestCall(setup.api, ({ status }) => status === 'progressing')
  await first.transfer(`sip:${other.username}@${other.domain_name}`)
  await second.rings()
  await stack.part('hashdial').kill9()
  await stack.part('hashdial').start()
  await second.answer()
  await hearEachOther(t, caller, second)
  await first.closed()
  // Once more, now that it is done: they talk on.
  await stack.part('hashdial').kill9()
  await stack.part('hashdial').start()
  await hearEachOther(t, caller, second)
  await second.hangup()
  await caller.closed()
  t.is((await latestCall(setup.api, hasEnded)).id, id)
  t.true(await leavesNothing(stack))
})
