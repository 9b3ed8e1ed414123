import test from 'ava'
import { leavesNothing } from '../calls/support.ts'
import { activeflow, callFlow, results, runs } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { webServer } from '../support/web.ts'

test('sounds of a URL and built-in ones are heard one after another', async (t) => {
  const setup = await setUp(t)
  const web = await webServer(t)
  const urls = [`${web}/tone/700/2/8000.wav`, 'sound:hello-world', `${web}/tone/1000/3/16000.wav`]
  const caller = await callFlow(setup, [['answer'], ['play', { stream_urls: urls }]])
  t.true(await caller.hears(700), 'the first')
  t.true(await caller.hears(1000), 'the last')
  await caller.closed()
  const ended = await activeflow(setup)
  t.deepEqual(results(ended, 'play'), ['done'])
})

test('what is played before the answer is early media', async (t) => {
  const setup = await setUp(t)
  const web = await webServer(t)
  const caller = await callFlow(setup, [
    ['play', { stream_urls: [`${web}/tone/700/2.wav`] }],
    ['answer'],
    ['sleep', { duration: 500 }],
  ])
  await caller.closed()
  t.deepEqual(results(await activeflow(setup), 'play'), ['done'])
})

for (const [what, path, why] of [
  ['is not audio', '/page', /not a WAV file/],
  ['does not exist', '/nothing', /404/],
  ['never ends', '/large', /more than/],
  ['leads to a private address', '/redirect/x', /not on the public internet/],
] as const) {
  test(`a URL that ${what} is left out, and the flow goes on`, async (t) => {
    const setup = await setUp(t)
    const web = await webServer(t)
    const urls = [`${web}${path}`, `${web}/tone/900/2.wav`]
    const caller = await callFlow(setup, [['answer'], ['play', { stream_urls: urls }]])
    t.true(await caller.hears(900), 'what comes after it')
    await caller.closed()
    t.regex(results(await activeflow(setup), 'play')[0]!, why)
  })
}

test('a URL of a private network and a sound that does not exist are left out', async (t) => {
  const setup = await setUp(t)
  const urls = ['http://127.0.0.2:1/x.wav', 'sound:there-is-no-such-sound']
  const caller = await callFlow(setup, [
    ['answer'],
    ['play', { stream_urls: [urls[0]] }],
    ['play', { stream_urls: [urls[1]] }],
  ])
  await caller.closed()
  const [refused, unknown] = results(await activeflow(setup), 'play')
  t.regex(refused!, /127\.0\.0\.2 is not on the public internet/)
  t.regex(unknown!, /no such sound/)
})

test('a key ends it where digits_handle says so, and is not lost', async (t) => {
  const setup = await setUp(t)
  const web = await webServer(t)
  const caller = await callFlow(setup, [
    ['answer'],
    ['play', { stream_urls: [`${web}/tone/700/20.wav`], digits_handle: 'next' }],
    ['digits_receive', { length: 2, duration: 5_000 }],
    ['play', { stream_urls: [`${web}/tone/1000/2.wav`] }],
  ])
  t.true(await caller.hears(700))
  await caller.press('42')
  t.true(await caller.hears(1000))
  await caller.closed()
  t.is((await activeflow(setup)).variables['hashdial.call.digits'], '42')
})

test('a caller who hangs up in the middle of it leaves nothing', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['answer'], ['play', { stream_urls: ['digits:12345678901234567890'] }]])
  await activeflow(setup, runs('play'))
  await caller.hangup()
  const ended = await activeflow(setup)
  t.deepEqual(results(ended, 'play'), ['hangup'])
  t.true(await leavesNothing(setup.stack, ended.id))
})
