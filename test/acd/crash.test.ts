import test from 'ava'
import { startStack } from '../../src/stack/stack.ts'
import { hearEachOther } from '../calls/support.ts'
import { setUp } from '../support/setup.ts'
import { agentIs, agentWithPhone, makeQueue, queuecalls, says, statusesAre, waits } from './support.ts'

/** A stack of this file's own, for its parts are killed. */
const ports = { sip: 30060, api: 30080, asteriskSip: 30070, ari: 30088, mysql: 30316, rtpFrom: 30400, rtpTo: 30999 }
const stack = await startStack({ name: 'queue-crash', ports, fresh: true })
test.after.always(() => stack.stop())

const hashdial = () => stack.part('hashdial')

test.serial('after a crash some talk on, a phone rings on, and the others wait in their order', async (t) => {
  const setup = await setUp(t, stack)
  const queue = await makeQueue(setup, { ring_timeout: 60_000, routing_method: 'linear' })
  const talker = await agentWithPhone(setup, { tone: 830 })
  const ringer = await agentWithPhone(setup, { tone: 1330 })
  await says(setup, ringer.agent, 'away')
  const first = await waits(setup, queue, { tone: 440 })
  await talker.phone.rings()
  await talker.phone.answer()
  await statusesAre(t, setup, queue, ['service'])
  await says(setup, ringer.agent, 'available')
  const second = await waits(setup, queue, { tone: 620 })
  await ringer.phone.rings()
  const [third, fourth] = [await waits(setup, queue), await waits(setup, queue)]
  const before = await statusesAre(t, setup, queue, ['service', 'connecting', 'waiting', 'waiting'])
  await hashdial().kill9()
  await hearEachOther(t, first, talker.phone)
  await hashdial().start()
  await statusesAre(t, setup, queue, ['service', 'connecting', 'waiting', 'waiting'])
  t.deepEqual(
    (await queuecalls(setup, queue)).map(({ id }) => id),
    before.map(({ id }) => id),
  )
  await ringer.phone.answer()
  await hearEachOther(t, second, ringer.phone)
  await statusesAre(t, setup, queue, ['service', 'service', 'waiting', 'waiting'])
  await talker.phone.hangup()
  await talker.phone.closed()
  await first.closed()
  await talker.phone.rings()
  await statusesAre(t, setup, queue, ['done', 'service', 'connecting', 'waiting'])
  await talker.phone.answer()
  await hearEachOther(t, third, talker.phone)
  for (const caller of [second, third, fourth]) await caller.hangup()
  await statusesAre(t, setup, queue, ['done', 'done', 'done', 'abandoned'])
  await agentIs(t, setup, talker.agent, 'available')
  await agentIs(t, setup, ringer.agent, 'available')
})

test.serial('whoever hung up while Hashdial was away has left, and the agents are free', async (t) => {
  const setup = await setUp(t, stack)
  const queue = await makeQueue(setup)
  const one = await agentWithPhone(setup)
  const talking = await waits(setup, queue)
  await one.phone.rings()
  await one.phone.answer()
  await statusesAre(t, setup, queue, ['service'])
  const waiting = await waits(setup, queue)
  await hashdial().kill9()
  await talking.hangup()
  await waiting.hangup()
  await hashdial().start()
  await statusesAre(t, setup, queue, ['done', 'abandoned'])
  await agentIs(t, setup, one.agent, 'available')
})

test.serial('when Asterisk dies who was on it is out, and the agents are free', async (t) => {
  const setup = await setUp(t, stack)
  const queue = await makeQueue(setup)
  const { agent, phone } = await agentWithPhone(setup)
  await waits(setup, queue)
  await phone.rings()
  await phone.answer()
  await statusesAre(t, setup, queue, ['service'])
  await waits(setup, queue)
  await stack.part('asterisk').kill9()
  await stack.part('asterisk').start()
  await statusesAre(t, setup, queue, ['done', 'abandoned'])
  await agentIs(t, setup, agent, 'available')
})
