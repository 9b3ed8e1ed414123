import test from 'ava'
import { leavesNothing } from '../calls/support.ts'
import { activeflow, callFlow, results, runs } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { listener, outcome, say, type Action } from './support.ts'

test('fetch tells about the call, and runs what it gets before it goes on', async (t) => {
  const setup = await setUp(t)
  const web = await listener(t, (_asked, response) =>
    response.end(JSON.stringify([{ type: 'variable_set', option: { key: 'b', value: '${a}2' } }])),
  )
  const { status, ran } = await outcome(setup, [
    { type: 'variable_set', option: { key: 'a', value: '1' } },
    { type: 'fetch', option: { event_url: `${web.url}/\${a}`, event_method: 'POST' } },
    say('busy'),
  ])
  t.is(status, 486)
  t.is(ran.variables.b, '12')
  const [asked] = web.asked
  t.deepEqual([asked!.method, asked!.url, asked!.headers['content-type']], ['POST', '/1', 'application/json'])
  const told = JSON.parse(asked!.body)
  t.is(told.activeflow_id, ran.id)
  t.is(told.reference_id, ran.reference_id)
  t.is(told.customer_id, setup.customer.id)
  t.is(told.variables.a, '1')
})

for (const [what, answer, why] of [
  ['is HTML', (r) => r.setHeader('content-type', 'text/html').end('<html>'), /not answer with JSON/],
  ['is no list', (r) => r.end('{"type":"answer"}'), /must be a list/],
  ['has actions that do not exist', (r) => r.end('[{"type":"answer"},{"type":"nope"}]'), /actions\[1\].type: "nope"/],
  [
    'has a loop without an end',
    (r) =>
      r.end(
        `[{"id":"${'0'.repeat(8)}-0000-4000-8000-000000000001","type":"variable_set","next_id":"${'0'.repeat(8)}-0000-4000-8000-000000000001","option":{"key":"a"}}]`,
      ),
    /never end/,
  ],
  ['is a 404', (r) => r.writeHead(404).end('[]'), /answered 404/],
  ['is 50 MB', (r) => r.end(Buffer.alloc(50_000_000, ' ')), /more than 262144 bytes/],
  [
    'leads to this machine',
    (r) => r.writeHead(302, { location: 'http://127.0.0.2/' }).end(),
    /not on the public internet/,
  ],
  ['leads in a circle', (r) => r.writeHead(302, { location: '/' }).end(), /redirects more than/],
  [
    'breaks off',
    (r) => r.writeHead(200, { 'content-length': '99' }).write('[', () => r.destroy()),
    /could not be fetched/,
  ],
] as [string, (response: Parameters<Parameters<typeof listener>[1]>[1]) => unknown, RegExp][]) {
  test(`an answer that ${what} is noted, and the flow goes on`, async (t) => {
    const setup = await setUp(t)
    const web = await listener(t, (_asked, response) => void answer(response))
    const fetch: Action = { type: 'fetch', option: { event_url: `${web.url}/` } }
    const { status, ran } = await outcome(setup, [fetch, say('cancel')])
    t.is(status, 487)
    t.regex(results(ran, 'fetch')[0]!, why)
  })
}

test('a private address, this machine, and what is not HTTP are not asked', async (t) => {
  const setup = await setUp(t)
  const urls = [
    'http://127.0.0.2/',
    'http://[::1]:18088/',
    'http://2130706434/',
    'http://169.254.169.254/',
    'http://localhost:1/${a}',
  ]
  for (const event_url of urls) {
    const { ran } = await outcome(setup, [{ type: 'fetch', option: { event_url } }, say('cancel')])
    t.regex(results(ran, 'fetch')[0]!, /not on the public internet|ECONNREFUSED/, event_url)
  }
  const { ran } = await outcome(setup, [{ type: 'fetch', option: { event_url: 'file:///${a}' } }, say('cancel')])
  t.regex(results(ran, 'fetch')[0]!, /must be a URL of http/)
})

test('a server that never answers holds a call for its time-out only, and a hangup ends the waiting', async (t) => {
  const setup = await setUp(t)
  const web = await listener(t, () => undefined)
  const caller = await callFlow(setup, [['answer'], ['fetch', { event_url: web.url }], ['sleep', { duration: 60_000 }]])
  await activeflow(setup, runs('fetch'))
  await caller.hangup()
  const ended = await activeflow(setup)
  t.deepEqual(results(ended, 'fetch'), ['hangup'])
  t.true(await leavesNothing(setup.stack, ended.id))
  const { status, ran } = await outcome(setup, [{ type: 'fetch', option: { event_url: web.url } }, say('timeout')])
  t.is(status, 408)
  t.regex(results(ran, 'fetch')[0]!, /no whole answer in/)
})
