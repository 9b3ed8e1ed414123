import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { activeflow, callFlow, results } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { loudness } from '../support/tone.ts'
import { toneFile } from '../support/web.ts'
import { listener, outcome, say } from './support.ts'

const noise = Buffer.from(Array.from({ length: 40_000 }, (_, index) => (index * 2_654_435_761) >>> 24))

test('what a file has beside its sound is not heard, and MP3 or Ogg under any name is', async (t) => {
  const setup = await setUp(t)
  const list = Buffer.concat([Buffer.from('LIST'), Buffer.from(Uint32Array.of(noise.length).buffer), noise])
  const opus = readFileSync(new URL('../voice/sounds/tone.opus', import.meta.url))
  const web = await listener(t, ({ url }, response) =>
    response.end(url === '/a' ? Buffer.concat([toneFile(700, 1), list]) : opus),
  )
  const caller = await callFlow(setup, [
    ['answer'],
    ['play', { stream_urls: [`${web.url}/a`, 'sound:silence/1', `${web.url}/b.wav`] }],
    ['sleep', { duration: 500 }],
  ])
  t.true(await caller.hears(700))
  t.true(await caller.hearsNothing(), 'no noise follows')
  t.true(await caller.hears(1000))
  await caller.closed()
  t.deepEqual(results(await activeflow(setup), 'play'), ['done'])
})

for (const [what, headers, status, body] of [
  ['begins with a byte order mark', {}, 200, (list: string) => `\ufeff${list}`],
  ['is packed', { 'content-encoding': 'gzip' }, 200, (list: string) => gzipSync(list)],
  [
    'is ISO-8859-1',
    { 'content-type': 'application/json; charset=iso-8859-1' },
    200,
    (list: string) => Buffer.from(list, 'latin1'),
  ],
  ['is a 201', {}, 201, (list: string) => list],
] as const) {
  test(`an answer to fetch that ${what} is read`, async (t) => {
    const setup = await setUp(t)
    const list = JSON.stringify([{ type: 'variable_set', option: { key: 'a', value: 'grün' } }])
    const web = await listener(t, (_asked, response) => response.writeHead(status, headers).end(body(list)))
    const { ran } = await outcome(setup, [{ type: 'fetch', option: { event_url: web.url } }, say('busy')])
    t.deepEqual(results(ran, 'fetch'), ['done'])
    t.is(ran.variables.a, 'grün')
  })
}

test('a 204 to fetch is no action, and a redirected POST is told to the first URL only', async (t) => {
  const setup = await setUp(t)
  const web = await listener(t, ({ url }, response) => {
    if (url === '/none') response.writeHead(204).end()
    else if (url === '/see') response.writeHead(303, { location: '/other' }).end()
    else response.end('[{"type":"variable_set","option":{"key":"a","value":"1"}}]')
  })
  const fetch = (path: string) => ({ type: 'fetch', option: { event_url: `${web.url}${path}` } })
  const { ran } = await outcome(setup, [fetch('/none'), fetch('/see'), say('busy')])
  t.deepEqual(results(ran, 'fetch'), ['done', 'done'])
  t.is(ran.variables.a, '1')
  t.deepEqual(
    web.asked.map(({ method, body }) => [method, body !== '']),
    [
      ['POST', true],
      ['POST', true],
      ['GET', false],
    ],
  )
})

test('a webhook that is redirected without its data is not delivered, and one that is sent on with it is', async (t) => {
  const setup = await setUp(t)
  const web = await listener(t, ({ url }, response) => {
    const status = Number(url.slice(1))
    if (status) response.writeHead(status, { location: '/there' }).end()
    else response.end()
  })
  const send = (path: string) => ({
    type: 'webhook_send',
    option: { uri: `${web.url}/${path}`, data: { a: 1 }, sync: true },
  })
  const { ran } = await outcome(setup, [...['301', '302', '303', '307', '308'].map(send), say('busy')])
  const told = results(ran, 'webhook_send')
  for (const [index, status] of [301, 302, 303].entries())
    t.regex(told[index]!, new RegExp(`not delivered: it redirects with ${status}`))
  t.deepEqual(told.slice(3), ['done', 'done'])
  const there = web.asked.filter(({ url }) => url === '/there')
  t.deepEqual(
    there.map(({ method, body }) => [method, body]),
    [
      ['POST', '{"a":1}'],
      ['POST', '{"a":1}'],
    ],
  )
})

const sentence = 'This is one more sentence of it, which goes on and on for a while and says nothing new. '

test('a long talk begins with its first sentence, and a key ends it in a later one', async (t) => {
  const setup = await setUp(t)
  const text = `<speak>Welcome to the very long message number ${Math.random()}. ${sentence.repeat(100)}</speak>`
  const caller = await callFlow(setup, [
    ['talk', { text, digits_handle: 'next' }],
    ['digits_receive', { length: 1, duration: 5_000 }],
  ])
  const speaks = () => becomesTrue(10_000, () => loudness(caller.heard(0.5)) > 300)
  t.true(await speaks(), 'all of it takes flite far longer')
  // The first passage lasts about four seconds.
  await caller.hearsNothing()
  t.true(await speaks(), 'the next passage follows')
  await caller.press('7')
  await caller.closed()
  const ran = await activeflow(setup)
  t.deepEqual(results(ran, 'talk'), ['done'])
  t.is(ran.variables['hashdial.call.digits'], '7')
})

test('what is played after an async talk waits for all of it', async (t) => {
  const setup = await setUp(t)
  const web = await listener(t, (_asked, response) => response.end(toneFile(1000, 2)))
  const text = `Now it begins, number ${Math.random()}. ${sentence.repeat(2)}`
  const caller = await callFlow(setup, [
    ['answer'],
    ['talk', { text, async: true }],
    ['play', { stream_urls: [web.url] }],
  ])
  t.true(await caller.hears(1000, 40_000))
  await caller.closed()
  const { executed_actions: ran } = await activeflow(setup)
  t.deepEqual(
    ran.map(({ result }) => result),
    ['done', 'done', 'done'],
  )
})

test('a language that nobody speaks is refused when the flow is saved, with those that there are', async (t) => {
  const setup = await setUp(t)
  const save = async (option: object) => {
    const actions = [{ type: 'talk', option: { text: 'x', ...option } }]
    const { status, body } = await setup.api<{ error?: { details: object[] } }>('POST', '/flows', {
      name: 't',
      actions,
    })
    return status === 201 ? 'saved' : JSON.stringify(body.error!.details)
  }
  for (const language of ['de-DE', 'fr', 'eng', 'zh-Hans-CN'])
    t.regex(await save({ language }), /actions\[0\]\.option\.language.*is not spoken by flite, which has: en; .*openai/)
  t.regex(await save({ language: 'de', provider: 'flite' }), /not spoken by flite/)
  for (const option of [
    { language: 'EN-gb' },
    { language: '' },
    { language: 'de', provider: 'openai' },
    { language: '${l}' },
    { language: 'de', provider: '${p}' },
  ])
    t.is(await save(option), 'saved', JSON.stringify(option))
})
