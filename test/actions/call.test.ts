import test from 'ava'
import { hasEnded, latestCall } from '../calls/support.ts'
import { activeflow, callFlow, results, runs } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { webServer } from '../support/web.ts'
import { makeFlow } from './support.ts'

test('call rings somebody else, who hears its own actions; chained, it ends with the call that made it', async (t) => {
  const setup = await setUp(t)
  const web = await webServer(t)
  const [one, other] = [await setup.extension(), await setup.extension()]
  const [phone, stays] = [await setup.phone(one), await setup.phone(other)]
  const tone = (hertz: string) => [{ type: 'play', option: { stream_urls: [`${web}/tone/${hertz}/60.wav`] } }]
  const to = ({ id }: { id: string }) => ({ destinations: [{ type: 'extension', target: id }] })
  const caller = await callFlow(setup, [
    ['answer'],
    ['variable_set', { key: 'hertz', value: '1000' }],
    ['call', { ...to(one), actions: tone('${hertz}'), chained: true }],
    ['call', { ...to(other), actions: tone('700'), source: { type: 'tel', target: '+4930123' } }],
    ['call', { destinations: [{ type: 'extension', target_name: 'nobody' }], actions: [] }],
    ['sleep', { duration: 60_000 }],
  ])
  t.regex(await stays.rings(), /^sip:\+4930123@/)
  await phone.rings()
  await Promise.all([phone.answer(), stays.answer()])
  t.true(await phone.hears(1000))
  t.true(await stays.hears(700))
  await caller.hangup()
  await phone.closed()
  t.true(await stays.hears(700))
  await stays.hangup()
  await stays.closed()
  const { result } = (await setup.api<{ result: { reference_id: string }[] }>('GET', '/activeflows')).body
  t.is(result.length, 3)
  const first = result.at(-1) as Parameters<typeof results>[0]
  t.deepEqual(results(first, 'call'), ['done', 'done', 'you have no extension nobody'])
})

test('call works after a call too', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const destinations = [{ type: 'extension', target: extension.id }]
  const after = await makeFlow(setup, [
    { type: 'call', option: { destinations, actions: [{ type: 'sleep', option: { duration: 60_000 } }] } },
    { type: 'call', option: { destinations, actions: [], chained: true } },
  ])
  const { direct_uri } = await makeFlow(setup, [{ type: 'answer' }, { type: 'stop' }], {
    on_complete_flow_id: after.id,
  })
  const caller = await setup.stranger()
  await caller.dial(direct_uri)
  await caller.closed()
  await phone.rings()
  await phone.answer()
  await activeflow(setup, runs('sleep'))
  await phone.hangup()
  t.like(await latestCall(setup.api, hasEnded), { direction: 'outgoing', hangup_by: 'remote', hangup_reason: 'normal' })
})
