import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { hearEachOther } from '../calls/support.ts'
import { setUp } from '../support/setup.ts'
import { loudness, parseWav, tonesHeard } from '../support/tone.ts'
import { agentIs, agentWithPhone, makeAgent, makeQueue, says, statusesAre, waits } from './support.ts'

test('an agent is told who is coming before the two are connected, and the caller hears music meanwhile', async (t) => {
  const setup = await setUp(t)
  const queue = await makeQueue(setup, {
    ...{ name: 'Support', whisper: 'A caller of ${hashdial.queue.name}, who waits since ${hashdial.queuecall.wait}.' },
  })
  const { agent, phone } = await agentWithPhone(setup, { tone: 830 })
  const caller = await waits(setup, queue, { tone: 440 })
  await phone.rings()
  await phone.answer()
  await phone.established()
  t.true(await becomesTrue(10_000, () => loudness(phone.heard(0.3)) > 50 && !tonesHeard(phone.heard(), [440]).length))
  await agentIs(t, setup, agent, 'ringing')
  t.deepEqual(tonesHeard(caller.heard(), [830]), [])
  await hearEachOther(t, caller, phone)
  await agentIs(t, setup, agent, 'busy')
  await caller.hangup()
  await phone.closed()
})

test('an agent who hangs up while being told has not taken the caller', async (t) => {
  const setup = await setUp(t)
  const queue = await makeQueue(setup, { whisper: 'This is a long text that takes its time to be said to you.' })
  const { agent, phone } = await agentWithPhone(setup)
  const caller = await waits(setup, queue)
  await phone.rings()
  await phone.answer()
  await phone.established()
  t.true(await becomesTrue(10_000, () => loudness(phone.heard(0.3)) > 50))
  await says(setup, agent, 'away')
  await phone.hangup()
  await phone.closed()
  await statusesAre(t, setup, queue, ['waiting'])
  await agentIs(t, setup, agent, 'away')
  await caller.hangup()
})

test('a talk is recorded where the queue says so, and what was before and after it is not', async (t) => {
  const setup = await setUp(t)
  const queue = await makeQueue(setup, { recording: 'auto' })
  const { phone } = await agentWithPhone(setup, { tone: 830 })
  const caller = await waits(setup, queue, { tone: 440 })
  await phone.rings()
  await phone.answer()
  await hearEachOther(t, caller, phone)
  const { reference_id } = (await statusesAre(t, setup, queue, ['service']))[0]!
  await phone.hangup()
  await caller.closed()
  let row: { id: string; status: string } | undefined
  const isClosed = async () => {
    const path = `/recordings?reference_id=${reference_id}`
    row = (await setup.api<{ result: { id: string; status: string }[] }>('GET', path)).body.result[0]
    return row?.status === 'ended'
  }
  t.true(await becomesTrue(10_000, isClosed))
  const headers = { authorization: `Bearer ${setup.accessKey}` }
  const file = await fetch(`${setup.stack.apiUrl}/v1.0/recordings/${row!.id}/file`, { headers })
  const sound = parseWav(Buffer.from(await file.arrayBuffer()))
  t.deepEqual(tonesHeard({ ...sound, samples: sound.samples.subarray(-sound.rate) }, [440, 830]), [440, 830])
})

test('the history tells how each quarter of an hour went', async (t) => {
  const setup = await setUp(t)
  const queue = await makeQueue(setup)
  const caller = await waits(setup, queue)
  await caller.hangup()
  await statusesAre(t, setup, queue, ['abandoned'])
  // Midnight may be between the two.
  const days = [0, 60_000].map((ago) => new Date(Date.now() - ago).toISOString().slice(0, 10))
  const read = async (day: string) => {
    const path = `/queues/${queue.id}/history?day=${day}`
    return (await setup.api<{ result: Record<string, unknown>[] }>('GET', path)).body.result
  }
  const found = (await Promise.all([...new Set(days)].map(read))).flat()
  t.is(found.length, 1)
  t.like(found[0], { incoming_count: 1, serviced_count: 0, abandoned_count: 1, service_average: 0 })
  t.is(Date.parse(String(found[0]!.tm_begin)) % 900_000, 0)
  t.is((await setup.api('GET', `/queues/${queue.id}/history?day=yesterday`)).status, 400)
})

test('an agent sends the caller to somebody else, and is free for the next', async (t) => {
  const setup = await setUp(t)
  const queue = await makeQueue(setup, { wrap_up: 500 })
  const { agent, phone, extension } = await agentWithPhone(setup, { tone: 830 })
  const other = await setup.extension()
  const expert = await setup.phone(other, { tone: 1330 })
  const caller = await waits(setup, queue, { tone: 440 })
  await phone.rings()
  await phone.answer()
  await hearEachOther(t, caller, phone)
  await phone.transfer(`sip:${other.username}@${extension.domain_name}`)
  await expert.rings()
  await expert.answer()
  await hearEachOther(t, caller, expert)
  await phone.closed()
  const [call] = await statusesAre(t, setup, queue, ['done'])
  t.is(call!.end_reason, 'transferred')
  await agentIs(t, setup, agent, 'available')
  const next = await waits(setup, queue)
  await phone.rings()
  await next.hangup()
  await caller.hangup()
  await expert.closed()
})

test('the addresses of an agent ring one after another where it has it so', async (t) => {
  const setup = await setUp(t)
  const [desk, mobile] = [await setup.extension(), await setup.extension()]
  const [first, second] = [await setup.phone(desk), await setup.phone(mobile)]
  const addresses = [desk, mobile].map(({ id }) => ({ type: 'extension', target: id }))
  const agent = await makeAgent(setup, desk, [], { addresses, ring_method: 'linear' })
  await says(setup, agent, 'available')
  const queue = await makeQueue(setup, { ring_timeout: 60_000 })
  const caller = await waits(setup, queue)
  await first.rings()
  t.false(second.hasRung)
  await first.reject()
  await second.rings()
  await second.answer()
  await hearEachOther(t, caller, second)
  const [call] = await statusesAre(t, setup, queue, ['service'])
  t.like(call!, { offers: 1, service_agent_id: agent.id })
})
