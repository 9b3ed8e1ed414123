import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { authorize, parseSip } from '../test/support/sip.ts'
import { fuzzCase } from '../test/support/fuzz.ts'
import type { FuzzTarget } from '../test/support/fuzz-messages.ts'

/** What an attacker is told, as JSON in its environment. */
export interface Attack {
  /** Where the packets go: the edge, or a sink. */
  sipPort: number
  /** The same for requests to the API. */
  apiPort: number
  webPort: number
  token: string
  fuzz: FuzzTarget
  /** Addresses of flows that hurt. */
  flows: string[]
  account: { username: string; password: string; domain: string }
  /** Another customer's extension, of which the attacker knows the name. */
  victim: string
  /** URIs that a customer must not reach. */
  forbidden: string[]
}

const attack = JSON.parse(process.env.HASHDIAL_BENCH_ATTACK ?? '{}') as Attack
const { sipPort, apiPort, webPort, token, account, flows, forbidden, victim } = attack
const base = account.domain.replace(/^.*\.registrar\./, '')
const hex = (bytes: number) => randomBytes(bytes).toString('hex')
let count = 0

/** Calls `send` so often a second, as evenly as timers of 10 ms allow. */
function each(perSecond: number, send: () => void): void {
  const start = performance.now()
  let sent = 0
  setInterval(() => {
    for (const due = ((performance.now() - start) * perSecond) / 1_000; sent < due; sent++) send()
  }, 10)
}

/** Does it again as soon as it is done, so many at once. */
function loops(atOnce: number, work: () => Promise<unknown>): void {
  for (let n = 0; n < atOnce; n++)
    void (async () => {
      for (;;) await work().catch(() => new Promise((resolve) => setTimeout(resolve, 50)))
    })()
}

async function source(n: number): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, `127.0.${40 + (n % 4)}.${1 + (n % 250)}`)
  socket.on('error', () => undefined)
  await once(socket, 'listening')
  return socket
}

function request(socket: Socket, method: string, uri: string, aor: string, extra: string[] = [], body = ''): void {
  const { address, port } = socket.address()
  const id = `${++count}-${hex(4)}`
  const lines = [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP ${address}:${port};branch=z9hG4bK${id};rport`,
    ...['Max-Forwards: 70', `From: <${aor}>;tag=${id}`, `To: <${method === 'REGISTER' ? aor : uri}>`],
    ...[`Call-ID: ${id}`, `CSeq: 1 ${method}`, `Contact: <sip:x@${address}:${port}>`, ...extra],
    ...(body ? ['Content-Type: application/sdp'] : []),
    `Content-Length: ${body.length}`,
  ]
  socket.send(`${lines.join('\r\n')}\r\n\r\n${body}`, sipPort, '127.0.0.1')
}

/** Registers for ever, each time with the latest challenge: with wrong passwords, or with the right one as ever new devices. */
function register(socket: Socket, aor: string, credentials: { username: string; password: string }): () => void {
  let challenge: ReturnType<typeof parseSip> | undefined
  socket.on('message', (bytes) => {
    const message = parseSip(bytes.toString())
    if (message.status === 407) challenge = message
  })
  const uri = `sip:registrar.${base}`
  return () => {
    const extra = challenge ? [authorize(challenge, 'REGISTER', uri, credentials)] : []
    challenge = undefined
    request(socket, 'REGISTER', uri, aor, extra)
  }
}

const sdp = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 39000 RTP/AVP 0\r\n'

async function strangers(): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: 64 }, (_, n) => source(n)))
  const any = () => sockets[count % sockets.length]!
  const guessers = sockets.map((socket) => register(socket, victim, { username: '1001', password: hex(4) }))
  const own = await Promise.all(Array.from({ length: 16 }, (_, n) => source(100 + n)))
  const aor = `sip:${account.username}@${account.domain}`
  const movers = own.map((socket) => register(socket, aor, account))
  each(900, () => guessers[count % guessers.length]!())
  each(50, () => movers[count % movers.length]!())
  each(500, () => request(any(), 'INVITE', `sip:direct.${hex(6)}@sip.${base}`, 'sip:x@y.test', [], sdp))
  each(100, () => request(any(), 'OPTIONS', `sip:direct.${hex(6)}@sip.${base}`, 'sip:x@y.test'))
  each(200, () => any().send(fuzzCase(1, ++count, { ...attack.fuzz, port: sipPort }), sipPort, '127.0.0.1'))
  each(20, () => any().send('POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n', sipPort, '127.0.0.1'))
  each(20, () => raw(sipPort, '\x16\x03\x01\x02\x00\x01\x00' + hex(200)))
  each(50, () =>
    raw(apiPort, `GET /v1.0/flows?token=${token} HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`),
  )
}

function raw(port: number, text: string): void {
  const socket = connect(port, '127.0.0.1', () => socket.end(text))
  socket.on('error', () => undefined)
  socket.setTimeout(2_000, () => socket.destroy())
}

async function customer(): Promise<void> {
  const callers = await Promise.all(Array.from({ length: 8 }, (_, n) => source(200 + n)))
  // It never acknowledges and never hangs up: what is left of its calls is Asterisk's to end.
  each(10, () => request(callers[count % 8]!, 'INVITE', flows[count % flows.length]!, 'sip:evil@far.test', [], sdp))
  const ask = async (method: string, path: string, body?: object) => {
    const init = { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } }
    const url = `http://127.0.0.1:${apiPort}/v1.0${path}`
    const answer = await fetch(url, {
      ...init,
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(9_000),
    })
    await answer.arrayBuffer()
    if (answer.status === 429) throw new Error('enough')
  }
  const large = {
    name: 'large',
    actions: Array.from({ length: 990 }, () => ({ type: 'talk', option: { text: 'x'.repeat(190) } })),
  }
  loops(10, () => ask('POST', '/flows', large))
  loops(2, () => ask('GET', '/activeflows?page_size=100'))
  loops(2, () => ask('GET', '/flows?page_size=100'))
  let n = 0
  loops(4, () =>
    ask('POST', '/calls', {
      destination: { type: 'sip', target: forbidden[n++ % forbidden.length] },
      actions: [{ type: 'hangup' }],
    }),
  )
}

/** What the customer's flows fetch. */
function serve(): void {
  const sound = Buffer.alloc(19_000_000)
  sound.write(
    'RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\0\x20\x01',
    'latin1',
  )
  const list = JSON.stringify(
    Array.from({ length: 1_000 }, () => ({ type: 'talk', option: { text: 'y'.repeat(5_000) } })),
  )
  createServer((incoming, answer) => {
    incoming.resume()
    if (incoming.url?.endsWith('.wav')) answer.writeHead(200, { 'content-type': 'audio/wav' }).end(sound)
    else answer.writeHead(200, { 'content-type': 'application/json' }).end(list)
  }).listen(webPort, '127.0.0.1')
}

serve()
await Promise.all([strangers(), customer()])
process.send?.('attacking')
