import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import test from 'ava'
import { createLogger } from '../src/log.ts'
import { becomesTrue } from '../src/stack/shell.ts'
import { useApi } from './api/support.ts'

const api = useApi(test)

const token = `hd_${'s3cretS3cret'.repeat(3).slice(0, 32)}`

function logger() {
  const lines: string[] = []
  const write = (chunk: Buffer, _encoding: string, done: () => void) => (lines.push(String(chunk)), done())
  return { lines, log: createLogger('trace', new Writable({ write })) }
}

/** Is it there as text, or as the bytes of the text in any way of writing them? */
function hasToken(text: string): boolean {
  const bytes = [...Buffer.from(token.slice(4, 16))]
  const ways = [
    token.slice(3, 16),
    bytes.join(','),
    Buffer.from(bytes).toString('hex'),
    Buffer.from(bytes).toString('base64').slice(0, 12),
  ]
  return ways.some((way) => text.includes(way))
}

test('an error is logged by what it says, and not with what it carries', (t) => {
  const { lines, log } = logger()
  const config = { headers: { authorization: `Bearer ${token}` }, url: `https://a.test/?token=${token}` }
  const cause = Object.assign(new Error(`GET https://a.test/?token=${token} failed`), { config })
  const err = Object.assign(new Error('it broke', { cause }), {
    ...{
      rawPacket: Buffer.from(`GET /?token=${token} HTTP/1.1`),
      config,
      sql: `SELECT '${token}'`,
      parameters: [token],
    },
    ...{ code: 'E_CODE', request: { headers: config.headers }, errors: [cause] },
  })
  log.error({ err }, 'first')
  log.warn({ error: err }, 'second')
  log.info({ data: err }, 'third')
  log.info({ data: { headers: config.headers } }, 'fourth')
  log.error(err)
  log.info(
    { packet: Buffer.from(token), bytes: new Uint8Array(Buffer.from(token)) },
    `GET /v1.0/calls?token=${token}&x=1`,
  )
  log.child({ url: config.url }).info('last')
  t.is(lines.length, 7)
  for (const line of lines) {
    t.false(hasToken(line), line)
    t.notThrows(() => JSON.parse(line) as unknown, line)
  }
  t.like(JSON.parse(lines[0]!), { msg: 'first', err: { type: 'Error', message: 'it broke', code: 'E_CODE' } })
})

test('what is long is cut, and what happens again and again is counted', (t) => {
  const { lines, log } = logger()
  log.warn({ err: new Error('x'.repeat(100_000)), what: 'y'.repeat(100_000) }, 'long')
  t.true(lines[0]!.length < 10_000)
  for (let count = 0; count < 500; count++) log.warn({ count }, 'the same')
  for (let count = 0; count < 500; count++) log.error(new Error('the same'))
  t.true(lines.length <= 45, `${lines.length}`)
  for (let count = 0; count < 50; count++) log.info('a request')
  t.is(lines.filter((line) => line.includes('a request')).length, 50)
})

test('what is no HTTP is answered 400 or 431, and logged in one line without what came', async (t) => {
  const { server, logged } = api()
  await server.start()
  const { port } = server.listener.address() as AddressInfo
  const start = `GET /v1.0/calls?token=${token} HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer ${token}\r\n`
  const send = async (bytes: string | Buffer): Promise<string> => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (data) => (answer += data.toString()))
    socket.on('error', () => undefined)
    socket.end(bytes)
    await once(socket, 'close')
    return answer
  }
  const broken = [
    `${start}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx`,
    `${start}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nxx`,
    `${start}X: ${'x'.repeat(40_000)}\r\n\r\n`,
    `${start}a\u0000b: c\r\n\r\n`,
    `${start} folded${'\u0001'}\r\n\r\n`,
    Buffer.concat([Buffer.from(start), Buffer.from([0x80, 0xff, 0x0a, 0x0d])]),
    `${token} / HTTP/9.9\r\n\r\n`,
    Buffer.from([0x16, 3, 1, 0, ...Buffer.from(token)]),
  ]
  const before = logged.length
  for (const bytes of broken) t.regex(await send(bytes), /^(HTTP\/1\.1 4(00|31) |$)/, String(bytes).slice(-40))
  t.true(await becomesTrue(5_000, () => logged.length > before))
  for (let count = 0; count < 100; count++) await send(broken[5]!)
  const lines = logged.slice(before)
  const told = lines.filter((line) => line.includes('a request was not HTTP'))
  t.true(told.length > 0 && told.length <= 20, `${told.length} lines`)
  t.true(lines.every((line) => line.length < 1_000))
  t.false(hasToken(lines.join('')))
})
