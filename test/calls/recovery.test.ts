import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { createConnection } from 'mysql2/promise'
import { becomesTrue } from '../../src/stack/shell.ts'
import { startStack } from '../../src/stack/stack.ts'
import { listener } from '../actions/support.ts'
import { activeflow, callFlow, flow as makeFlow, runs } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { device, hasEnded, hearEachOther, incoming, latestCall, leavesNothing, talking } from './support.ts'

/** A stack of this file's own, for its parts are killed. */
const ports = { sip: 30060, api: 30080, asteriskSip: 30070, ari: 30088, mysql: 30316, rtpFrom: 30400, rtpTo: 30999 }
const env = { HASHDIAL_FETCH_PRIVATE: '127.0.0.1' }
const stack = await startStack({ name: 'recovery', ports, env, fresh: true })
test.after.always(() => stack.stop())

const hashdial = () => stack.part('hashdial')
const to = ({ id }: { id: string }) => ({ type: 'extension', target: id })

test.serial('who refuses while Hashdial is away has not talked: the next destination is rung', async (t) => {
  const setup = await setUp(t, stack)
  const [first, second] = [await setup.extension(), await setup.extension()]
  const [busy, phone] = [await device(setup, first), await setup.phone(second)]
  const caller = await callFlow(setup, [
    ['answer'],
    ['connect', { destinations: [to(first), to(second)], ring_method: 'linear' }],
  ])
  const invite = await incoming(busy)
  const since = busy.received.length
  await hashdial().kill9()
  busy.reply(invite, '486 Busy Here')
  await busy.message(({ method }) => method === 'ACK', since)
  await hashdial().start()
  busy.reply(await busy.message(({ method }) => method === 'INVITE', since), '486 Busy Here')
  await phone.rings()
  await phone.answer()
  await hearEachOther(t, caller, phone)
  await caller.hangup()
  t.true(await leavesNothing(stack))
})

test.serial('two who talked before Hashdial went away are not connected again when one has left', async (t) => {
  const setup = await setUp(t, stack)
  const [first, second] = [await setup.extension(), await setup.extension()]
  const [phone, next] = [await setup.phone(first), await device(setup, second)]
  const caller = await callFlow(setup, [
    ['answer'],
    ['connect', { destinations: [to(first), to(second)], ring_method: 'linear' }],
    ['variable_set', { key: 'after', value: 'yes' }],
  ])
  await phone.rings()
  await phone.answer()
  await hearEachOther(t, caller, phone)
  await hashdial().kill9()
  await phone.hangup()
  await hashdial().start()
  await caller.closed()
  t.is((await activeflow(setup)).variables['after'], 'yes')
  t.deepEqual(
    next.received.filter(({ method }) => method === 'INVITE'),
    [],
  )
})

test.serial('an action that fails after a crash leaves nothing for the next one to take for its own', async (t) => {
  const setup = await setUp(t, stack)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  // The first time there is no answer, until the process is gone.
  const web = await listener(t, (_asked, response, count) => void (count > 1 && response.writeHead(500).end()))
  const caller = await callFlow(setup, [
    ['answer'],
    ['fetch', { event_url: web.url }],
    ['connect', { destinations: [to(extension)] }],
  ])
  await activeflow(setup, runs('fetch'))
  t.true(await becomesTrue(5_000, () => web.asked.length === 1))
  await hashdial().kill9()
  await hashdial().start()
  await phone.rings()
  await phone.answer()
  await hearEachOther(t, caller, phone)
  await caller.hangup()
})

test.serial('a row that cannot be read holds up no other', async (t) => {
  const setup = await setUp(t, stack)
  const sleeper = await callFlow(setup, [['answer'], ['sleep', { duration: 300_000 }]])
  const broken = await activeflow(setup, runs('sleep'))
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const stranger = await talking(t, setup, extension.direct_uri, phone)
  const good = await latestCall(setup.api, ({ status }) => status === 'progressing')
  await hashdial().kill9()
  const database = await createConnection(stack.databaseUrl)
  await database.query(`UPDATE activeflows SET state = '{' WHERE id = ?`, [broken.id])
  await hashdial().start()
  await hearEachOther(t, stranger, phone)
  await phone.hangup()
  const ended = await latestCall(setup.api, ({ id, status }) => id === good.id && status === 'hangup')
  t.is(ended.hangup_reason, 'normal')
  await database.query(`UPDATE activeflows SET state = '{"stack":[],"executions":1,"variables":{},"memory":{}}'`)
  await database.end()
  await sleeper.hangup()
  t.true(await leavesNothing(stack, '', 60_000))
})

test.serial('an Asterisk that goes away costs the log a line, and no stack for each call', async (t) => {
  const setup = await setUp(t, stack)
  const address = await makeFlow(setup, [['answer'], ['talk', { text: 'one two three '.repeat(100) }]])
  const callers = await Promise.all([1, 2, 3].map(() => setup.stranger()))
  for (const caller of callers) await caller.dial(address)
  for (const caller of callers) await caller.established()
  const log = () => readFileSync(join(stack.folder, 'hashdial.log'), 'utf8')
  const logged = log().length
  await stack.part('asterisk').kill9()
  await stack.part('asterisk').start()
  await latestCall(setup.api, hasEnded)
  t.true(await becomesTrue(15_000, async () => (await activeflow(setup)).status === 'ended'))
  t.notRegex(log().slice(logged), /"stack":/)
})

test.serial(
  'a device that is called back after its transfer failed may answer when Hashdial was killed meanwhile',
  async (t) => {
    const setup = await setUp(t, stack)
    const [one, other] = [await setup.extension(), await setup.extension()]
    const [first, second] = [await setup.phone(one), await setup.phone(other)]
    const caller = await talking(t, setup, one.direct_uri, first)
    await first.transfer(`sip:${other.username}@${other.domain_name}`)
    await second.rings()
    await first.hangup()
    await first.closed()
    await second.reject()
    await first.rings()
    await stack.part('hashdial').kill9()
    await stack.part('hashdial').start()
    await first.answer()
    await hearEachOther(t, caller, first)
    await caller.hangup()
    await first.closed()
    t.true(await leavesNothing(stack))
  },
)
