import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { Web, WebError } from '../src/web.ts'

const open = new Web(['127.0.0.0/8'])
const strict = new Web()

async function server(
  t: ExecutionContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const made = createServer(answer).listen(0, '127.0.0.1')
  await once(made, 'listening')
  t.teardown(() => {
    made.closeAllConnections()
    made.close()
  })
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`
}

const refused = (t: ExecutionContext, request: Promise<unknown>, message: RegExp) =>
  t.throwsAsync(request, { instanceOf: WebError, message })

test('only addresses of the public internet may be reached', (t) => {
  for (const address of ['8.8.8.8', '193.99.144.80', '2a00:1450:4001::1', '2600::1'])
    t.true(strict.allows(address), address)
  for (const address of [
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.0.1', '169.254.169.254', '172.16.0.1', '172.31.9.9'],
    ...['192.0.0.1', '192.0.2.1', '192.168.1.1', '198.18.0.1', '203.0.113.1', '224.0.0.1', '240.0.0.1'],
    ...['255.255.255.255', '::', '::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', 'fe80::1', 'fc00::1', 'fd00::1'],
    ...['ff02::1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001::1', '2001:db8::1', '100::1'],
  ])
    t.false(strict.allows(address), address)
  t.true(new Web(['10.0.0.0/8', 'fd00::/8']).allows('10.9.9.9'))
  t.true(new Web(['fd00::/8']).allows('fd12::1'))
  t.false(new Web(['10.0.0.0/8']).allows('11.0.0.1') === new Web().allows('10.0.0.1'))
})

test('however this machine is written, it is not reached', async (t) => {
  let asked = 0
  const url = await server(t, (_request, response) => void response.end(String(asked++)))
  const { port } = new URL(url)
  for (const host of [
    '127.0.0.1',
    'localhost',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0',
  ])
    await refused(t, strict.request(`http://${host}:${port}/`), /not on the public internet/)
  t.is(asked, 0)
  t.is((await open.request(`http://localhost:${port}/`)).body.toString(), '0')
})

test('a redirect is looked at again, and followed as a browser does', async (t) => {
  const web = new Web(['127.0.0.1'])
  const url = await server(t, (request, response) => {
    const [, status, ...to] = request.url!.split('/')
    if (status === 'end') response.end(request.method)
    else if (status === 'circle') response.writeHead(308, { location: '/circle' }).end()
    else response.writeHead(Number(status), { location: decodeURIComponent(to.join('/')) }).end()
  })
  const go = (path: string) => web.request(`${url}${path}`, { method: 'POST', body: 'x' })
  t.is((await go('/302/%2Fend')).body.toString(), 'GET')
  t.is((await go('/307/%2Fend')).body.toString(), 'POST')
  t.is((await go('/302/%2Fend')).url, `${url}/end`)
  await refused(t, go('/302/http%3A%2F%2F127.0.0.2%2F'), /127\.0\.0\.2 is not on the public/)
  await refused(
    t,
    go('/302/http%3A%2F%2Flocalhost.localdomain.invalid%2F'),
    /is not on the public internet, or does not exist/,
  )
  await refused(t, go('/301/file%3A%2F%2F%2Fetc%2Fpasswd'), /not one of http/)
  await refused(t, go('/circle'), /redirects more than 3 times/)
})

test('an answer that is too large or too slow is given up', async (t) => {
  let sent = 0
  const url = await server(t, (request, response) => {
    if (request.url === '/silent') return
    response.writeHead(200)
    if (request.url === '/slow') return void response.write('x')
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536
    }
    response.on('drain', more)
    more()
  })
  await refused(t, open.request(`${url}/large`, { maxBytes: 100_000 }), /more than 100000 bytes/)
  t.true(sent < 20_000_000, `${sent} bytes were taken`)
  await refused(t, open.request(`${url}/silent`, { timeout: 200 }), /no whole answer in 200 ms/)
  await refused(t, open.request(`${url}/slow`, { timeout: 200 }), /no whole answer in 200 ms/)
  const stop = new AbortController()
  const waiting = open.request(`${url}/silent`, { signal: stop.signal })
  stop.abort(new Error('the call has ended'))
  await t.throwsAsync(waiting, { message: 'the call has ended' })
})

test('what is no URL, and what nobody listens at, is told without its secrets', async (t) => {
  for (const url of ['', 'x', '/path', 'ftp://a.test', 'javascript:1', 'http://'])
    await refused(t, open.request(url), /not one of http/)
  const error = await refused(t, open.request('http://user:secret@127.0.0.1:9/?key=secret'), /ECONNREFUSED/)
  t.notRegex(error.message, /secret/)
})
