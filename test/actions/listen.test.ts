import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { hasEnded, hearEachOther, latestCall } from '../calls/support.ts'
import { setUp } from '../support/setup.ts'

for (const { mode, callee, caller } of [
  { mode: 'listen', callee: [440], caller: [830] },
  { mode: 'whisper', callee: [440, 1330], caller: [830] },
  { mode: 'barge', callee: [440, 1330], caller: [830, 1330] },
]) {
  test(`a supervisor hears both (${mode}), and is heard by ${mode === 'listen' ? 'nobody' : mode === 'barge' ? 'both' : 'the agent'}`, async (t) => {
    const setup = await setUp(t)
    const extension = await setup.extension()
    const phones = {
      agent: await setup.phone(extension, { tone: 830 }),
      stranger: await setup.stranger({ tone: 440 }),
    }
    await phones.stranger.dial(extension.direct_uri)
    await phones.agent.rings()
    await phones.agent.answer()
    await hearEachOther(t, phones.stranger, phones.agent)
    const { id: call_id } = await latestCall(setup.api, ({ status }) => status === 'progressing')
    const desk = await setup.extension()
    const supervisor = await setup.phone(desk, { tone: 1330, answers: true })
    const ordered = await setup.api('POST', '/calls', {
      destination: { type: 'extension', target: desk.id },
      actions: [{ type: 'listen', option: { call_id, mode } }],
    })
    t.is(ordered.status, 201)
    const all = { 440: phones.stranger, 830: phones.agent, 1330: supervisor } as const
    const by = (tones: number[]) => tones.map((tone) => all[tone as keyof typeof all])
    t.true(await supervisor.hearsTogether(by([440, 830])), supervisor.hearing())
    t.true(await phones.agent.hearsTogether(by(callee)), phones.agent.hearing())
    t.true(await phones.stranger.hearsTogether(by(caller)), phones.stranger.hearing())
    await supervisor.hangup()
    await hearEachOther(t, phones.stranger, phones.agent)
    await phones.stranger.hangup()
    await phones.agent.closed()
  })
}

test('who listens is out when the call ends, and a call that is not there cannot be heard', async (t) => {
  const setup = await setUp(t)
  const desk = await setup.extension()
  const supervisor = await setup.phone(desk, { answers: true })
  const call_id = '00000000-0000-4000-8000-000000000001'
  await setup.api('POST', '/calls', {
    destination: { type: 'extension', target: desk.id },
    actions: [{ type: 'listen', option: { call_id } }],
  })
  await supervisor.established()
  await supervisor.closed()
  const { activeflow_id } = await latestCall(setup.api, hasEnded)
  type View = { status: string; executed_actions: { result: string }[] }
  let view: View | undefined
  const isOver = async () =>
    (view = (await setup.api<View>('GET', `/activeflows/${activeflow_id}`)).body).status === 'ended'
  t.true(await becomesTrue(10_000, isOver))
  t.regex(view!.executed_actions[0]!.result, /no call/)
})
