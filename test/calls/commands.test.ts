import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { activeflow, callFlow, runs, type Short } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { loudness } from '../support/tone.ts'
import { webServer } from '../support/web.ts'
import { hasEnded, latestCall } from './support.ts'

test('to a call that lasts something can be played and said, and it can be muted, held and recorded', async (t) => {
  const setup = await setUp(t)
  const web = await webServer(t)
  const caller = await callFlow(setup, [['answer'], ['sleep', { duration: 60_000 }]])
  await activeflow(setup, runs('sleep'))
  const { id } = await latestCall(setup.api, ({ status }) => status === 'progressing')
  const command = async (name: string, body?: object) =>
    (await setup.api<{ error?: { reason: string } }>('POST', `/calls/${id}/${name}`, body)).status

  t.is(await command('recording_start', {}), 200)
  t.is(await command('play', { stream_urls: [`${web}/tone/1000/2.wav`] }), 200)
  t.true(await caller.hears(1000))
  t.true(await caller.hearsNothing())
  t.is(await command('talk', { text: 'This is said to a call that lasts.' }), 200)
  t.true(await becomesTrue(5_000, () => loudness(caller.heard()) > 300))
  t.is(await command('recording_stop'), 200)
  t.is(await command('recording_stop'), 409)
  t.is((await setup.api<{ recording_ids: string[] }>('GET', `/calls/${id}`)).body.recording_ids.length, 1)
  t.is(await command('mute', { direction: 'in' }), 200)
  t.is(await command('hold', {}), 200)
  t.is(await command('hold', { hold: false }), 200)
  t.is(await command('play', { stream_urls: [`${web}/page`] }), 400)
  t.is(await command('play', { stream_urls: ['nonsense'] }), 400)
  await caller.hangup()
  await latestCall(setup.api, hasEnded)
  t.is(await command('mute', {}), 409)
})

test('a command knows the variables of the flow beside which it runs', async (t) => {
  const setup = await setUp(t)
  const web = await webServer(t)
  const flow: Short[] = [['variable_set', { key: 'tone', value: '1000' }], ['answer'], ['sleep', { duration: 60_000 }]]
  const caller = await callFlow(setup, flow)
  await activeflow(setup, runs('sleep'))
  const { id } = await latestCall(setup.api, ({ status }) => status === 'progressing')
  t.is((await setup.api('POST', `/calls/${id}/play`, { stream_urls: [`${web}/tone/\${tone}/2.wav`] })).status, 200)
  t.true(await caller.hears(1000))
  await caller.hangup()
})

test('a key that ends what a command plays is counted by the digits_receive of the flow', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['answer'], ['sleep', { duration: 4_000 }], ['digits_receive', { length: 1 }]])
  await activeflow(setup, runs('sleep'))
  const { id } = await latestCall(setup.api, ({ status }) => status === 'progressing')
  const body = { stream_urls: ['digits:12345678901234567890'], digits_handle: 'next' }
  t.is((await setup.api('POST', `/calls/${id}/play`, body)).status, 200)
  await caller.press('7')
  await caller.closed()
  const { executed_actions, variables } = await activeflow(setup)
  t.is(variables['hashdial.call.digits'], '7')
  t.deepEqual(
    executed_actions.map(({ type }) => type),
    ['answer', 'sleep', 'digits_receive'],
  )
})
