import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import { textOf, Web, WebError, type WebRequest } from '../src/web.ts'

const web = new Web(['127.0.0.1'])

interface Seen {
  method: string | undefined
  url: string | undefined
  headers: IncomingMessage['headers']
  body: string
}

/** Answers all that it is asked; `seen` has it. */
async function server(t: ExecutionContext, answer: (seen: Seen, response: ServerResponse) => void) {
  const seen: Seen[] = []
  const made = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method, url, headers } = request
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
      answer(seen.at(-1)!, response)
    })
  }).listen(0, '127.0.0.1')
  await once(made, 'listening')
  t.teardown(() => {
    made.closeAllConnections()
    made.close()
  })
  return { url: `http://127.0.0.1:${(made.address() as AddressInfo).port}`, seen }
}

test('a packed answer is unpacked, whichever way', async (t) => {
  const text = 'wörds '.repeat(100)
  const ways: Record<string, (bytes: Buffer) => Buffer> = {
    gzip: gzipSync,
    'X-GZIP': gzipSync,
    br: brotliCompressSync,
    deflate: deflateSync,
    ' deflate ': deflateRawSync,
    identity: (bytes) => bytes,
    'gzip, br': (bytes) => brotliCompressSync(gzipSync(bytes)),
  }
  for (const [coding, pack] of Object.entries(ways)) {
    const { url, seen } = await server(t, (_seen, response) =>
      response.setHeader('content-encoding', coding).end(pack(Buffer.from(text))),
    )
    t.is((await web.request(url)).body.toString(), text, coding)
    t.is(seen[0]!.headers['accept-encoding'], 'gzip, deflate, br')
  }
})

test('what is packed is bounded by what it unpacks to, and by each step on the way', async (t) => {
  const bomb = gzipSync(Buffer.alloc(20_000_000))
  const cases: [string, Buffer][] = [
    ['gzip', bomb],
    ['br', brotliCompressSync(Buffer.alloc(5_000_000), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
    ['gzip, gzip', gzipSync(bomb)],
  ]
  for (const [coding, body] of cases) {
    const { url } = await server(t, (_seen, response) => response.setHeader('content-encoding', coding).end(body))
    const before = process.memoryUsage().arrayBuffers
    const error = await t.throwsAsync(web.request(url, { maxBytes: 100_000 }), { instanceOf: WebError })
    t.regex(error.message, /more than 100000 bytes/, coding)
    t.true(process.memoryUsage().arrayBuffers - before < 20_000_000, coding)
  }
})

test('an answer that is not packed as it says is told in words, and an empty one is empty', async (t) => {
  for (const [coding, body, wanted] of [
    ['gzip', 'plain', /is not gzip, as its Content-Encoding says/],
    ['br', 'plain', /is not br/],
    ['deflate', 'plain', /is not deflate/],
    ['gzip', gzipSync('x'.repeat(999)).subarray(0, 15), /is not gzip/],
    ['zstd', 'plain', /packed as "zstd"; gzip, deflate, br are understood/],
    ['gzip, gzip, gzip, gzip', 'x', /packed more than 3 times/],
  ] as const) {
    const { url } = await server(t, (_seen, response) => response.setHeader('content-encoding', coding).end(body))
    await t.throwsAsync(web.request(url), { instanceOf: WebError, message: wanted }, coding)
  }
  const { url } = await server(t, (_seen, response) => response.writeHead(204, { 'content-encoding': 'gzip' }).end())
  t.is((await web.request(url)).body.length, 0)
})

test('text is read by its byte order mark, by its charset, or as what it can be', (t) => {
  const text = (bytes: Buffer | string, type?: string) =>
    textOf({ body: Buffer.from(bytes as string), headers: type === undefined ? {} : { 'content-type': type } })
  const latin = Buffer.from('Käse', 'latin1')
  t.is(text('\ufeff{"a":"ä"}'), '{"a":"ä"}')
  t.is(text('\ufeffä', 'application/json; charset=iso-8859-1'), 'ä')
  t.is(text(Buffer.from('\ufeffä', 'utf16le')), 'ä')
  t.is(text(Buffer.from('\ufeffä', 'utf16le').swap16()), 'ä')
  t.is(text(latin, 'application/json; charset=ISO-8859-1'), 'Käse')
  t.is(text(latin, 'text/plain;charset="iso-8859-15"'), 'Käse')
  t.is(text(latin), 'Käse')
  t.is(text('Käse', 'application/json'), 'Käse')
  t.is(text(Buffer.from([0x82, 0xb1]), 'text/plain; charset=Shift_JIS'), 'こ')
  t.throws(() => text('x', 'text/plain; charset=klingon'), { instanceOf: WebError, message: /charset "klingon"/ })
  t.is(text(''), '')
})

test('301, 302 and 303 make a GET of a POST, and nothing of its body goes along', async (t) => {
  for (const [status, method, becomes] of [
    ...[301, 302, 303].map((code) => [code, 'POST', 'GET'] as const),
    [303, 'PUT', 'GET'],
    [302, 'PUT', 'PUT'],
    ...[307, 308].map((code) => [code, 'POST', 'POST'] as const),
    [303, 'GET', 'GET'],
  ] as const) {
    const { url, seen } = await server(t, ({ url: path }, response) =>
      path === '/' ? response.writeHead(status, { location: '/to' }).end() : response.end(),
    )
    const body = method !== 'GET' && { body: '{"secret":1}', headers: { 'content-type': 'application/json', x: 'y' } }
    await web.request(url, { method, ...body })
    const { method: asked, headers, body: got } = seen[1]!
    t.is(asked, becomes, `${status} ${method}`)
    const kept = becomes !== 'GET'
    t.is(got, kept ? '{"secret":1}' : '', `${status} ${method}`)
    t.deepEqual(
      [headers['content-type'], headers['content-length']],
      kept ? ['application/json', '12'] : [undefined, undefined],
    )
    t.is(headers.x, method === 'GET' ? undefined : 'y')
  }
})

test('what has to arrive is not turned into a GET: such a redirect is an error, and nobody is asked', async (t) => {
  const send = async (status: number, method: string) => {
    const { url, seen } = await server(t, ({ url: path }, response) =>
      path === '/' ? response.writeHead(status, { location: '/to' }).end() : response.end(),
    )
    const request: WebRequest = { method, keepsMethod: true, ...(method !== 'GET' && { body: 'x' }) }
    const { message } = await web.request(url, request).then(
      () => ({ message: '' }),
      (error: Error) => error,
    )
    return [message, seen.length] as const
  }
  for (const status of [301, 302, 303]) {
    const [message, asked] = await send(status, 'POST')
    t.regex(message, new RegExp(`redirects with ${status}`))
    t.is(asked, 1)
  }
  t.deepEqual(await send(307, 'POST'), ['', 2])
  t.deepEqual(await send(308, 'POST'), ['', 2])
  t.deepEqual(await send(302, 'GET'), ['', 2])
  t.deepEqual(await send(301, 'PUT'), ['', 2])
  t.is((await send(303, 'DELETE'))[1], 1)
})

test('a name that does not exist and one that is not public are refused with the same words at the same time', async (t) => {
  const strict = new Web()
  const refused = async (host: string) => {
    const since = performance.now()
    const { message } = await t.throwsAsync(strict.request(`http://${host}/`), { instanceOf: WebError })
    return { words: message.replaceAll(host, '…'), seconds: (performance.now() - since) / 1000 }
  }
  const [there, nowhere] = [await refused('localhost'), await refused('nothing.here.invalid')]
  t.is(there.words, nowhere.words)
  t.true(there.seconds > 0.95, 'not sooner than a name that has to be looked for')
  // A lookup that takes longer is answered at a multiple: how far into the second it is tells nothing.
  for (const { seconds } of [there, nowhere]) t.true(seconds - Math.floor(seconds + 0.05) < 0.5, String(seconds))
})

test('an answer can be taken while it arrives, and is given up when nobody reads on', async (t) => {
  let closed = false
  const { url } = await server(t, (_seen, response) => {
    response.on('close', () => (closed = true))
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
    }
    response.on('drain', more)
    more()
  })
  const first = await web.receive(url, { maxBytes: 1e9 }, async ({ status, body }) => {
    for await (const chunk of body) return [status, chunk.length > 0]
    return undefined
  })
  t.deepEqual(first, [200, true])
  for (let tries = 0; !closed && tries < 100; tries++) await new Promise((resolve) => setTimeout(resolve, 20))
  t.true(closed)
})
