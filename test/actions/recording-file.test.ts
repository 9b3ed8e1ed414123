import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { callFlow } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'

test('a recording is served with its length, whole and in parts', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [['recording_start'], ['sleep', { duration: 1_500 }]])
  await caller.closed()
  let id = ''
  const ended = await becomesTrue(15_000, async () => {
    const { body } = await setup.api<{ result: { id: string; tm_end: string | null }[] }>('GET', '/recordings')
    id = body.result[0]?.id ?? ''
    return Boolean(body.result[0]?.tm_end)
  })
  t.true(ended)
  const ask = (headers: Record<string, string> = {}, method = 'GET') => {
    const authorization = `Bearer ${setup.accessKey}`
    const url = `${setup.stack.apiUrl}/v1.0/recordings/${id}/file`
    return fetch(url, { method, headers: { authorization, ...headers } })
  }
  const answer = await ask()
  const whole = Buffer.from(await answer.arrayBuffer())
  t.is(answer.status, 200)
  t.is(answer.headers.get('content-length'), String(whole.length))
  t.is(answer.headers.get('accept-ranges'), 'bytes')
  t.true(whole.length > 10_000)

  const head = await ask({}, 'HEAD')
  t.is(head.status, 200)
  t.is(head.headers.get('content-length'), String(whole.length))
  t.is((await head.arrayBuffer()).byteLength, 0)

  for (const [range, from, to] of [
    ['bytes=0-99', 0, 99],
    ['bytes=1000-', 1000, whole.length - 1],
    ['bytes=-44', whole.length - 44, whole.length - 1],
    [`bytes=500-${whole.length * 2}`, 500, whole.length - 1],
  ] as const) {
    const part = await ask({ range })
    t.is(part.status, 206, range)
    t.is(part.headers.get('content-range'), `bytes ${from}-${to}/${whole.length}`)
    t.is(part.headers.get('content-length'), String(to - from + 1))
    t.deepEqual(Buffer.from(await part.arrayBuffer()), whole.subarray(from, to + 1), range)
  }
  const beyond = await ask({ range: `bytes=${whole.length}-` })
  t.is(beyond.status, 416)
  t.is(beyond.headers.get('content-range'), `bytes */${whole.length}`)

  const etag = answer.headers.get('etag')!
  t.is((await ask({ range: 'bytes=0-9', 'if-range': etag })).status, 206)
  t.is((await ask({ range: 'bytes=0-9', 'if-range': '"another"' })).status, 200)
})
