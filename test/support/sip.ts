import { createHash, randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { EventEmitter, once } from 'node:events'

export interface SipMessage {
  /** 0 for a request. */
  status: number
  /** '' for an answer. */
  method: string
  /** The first line: `SIP/2.0 404 Not Found`, `INVITE sip:… SIP/2.0`. */
  start: string
  /** Every value of a header, in their order; names are in lower case and compact ones written out. */
  headers: Map<string, string[]>
  body: string
  text: string
}

const compact: Record<string, string> = {
  v: 'via',
  f: 'from',
  t: 'to',
  i: 'call-id',
  m: 'contact',
  l: 'content-length',
}

export function parseSip(text: string): SipMessage {
  const [head = '', ...body] = text.split('\r\n\r\n')
  const [start = '', ...lines] = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')
  const headers = new Map<string, string[]>()
  for (const line of lines) {
    const short = line.slice(0, line.indexOf(':')).trim().toLowerCase()
    const name = compact[short] ?? short
    headers.set(name, [...(headers.get(name) ?? []), line.slice(line.indexOf(':') + 1).trim()])
  }
  const status = Number(/^SIP\/2\.0 (\d{3})/.exec(start)?.[1] ?? 0)
  return { status, method: status ? '' : start.split(' ')[0]!, start, headers, body: body.join('\r\n\r\n'), text }
}

export function header(message: SipMessage, name: string): string {
  return message.headers.get(name.toLowerCase())?.[0] ?? ''
}

export interface RequestOptions {
  /** The Request-URI. */
  uri: string
  from?: string
  to?: string
  callId?: string
  cseq?: number
  branch?: string
  tag?: string
  contact?: string
  /** Whole lines, in front of the others, as they are: what is wrong in them is sent. */
  extra?: readonly string[]
  body?: string
  /** The Content-Type of the body, `application/sdp` unless said. */
  type?: string
}

export interface Credentials {
  username: string
  password: string
}

let requests = 0
const unique = (): string => randomBytes(8).toString('hex')

/** A bare SIP client over UDP: it sends what it is told, retransmits nothing and shows every message that comes back. */
export class SipClient {
  readonly received: SipMessage[] = []
  readonly #news = new EventEmitter()
  /** Told of each message, beside those who wait for one. */
  onMessage: (message: SipMessage) => void = () => undefined

  private constructor(
    readonly socket: Socket,
    readonly address: string,
    readonly server: number,
    readonly host: string,
  ) {
    socket.on('message', (bytes) => {
      this.received.push(parseSip(bytes.toString()))
      this.onMessage(this.received.at(-1)!)
      this.#news.emit('message')
    })
  }

  /** `server` is the port of `host` to send to; `address` a loopback address to send from, such as 127.0.0.66. */
  static async open(server: number, address = '127.0.0.1', port = 0, host = '127.0.0.1'): Promise<SipClient> {
    const socket = createSocket('udp4').bind(port, address)
    await once(socket, 'listening')
    return new SipClient(socket, address, server, host)
  }

  get port(): number {
    return this.socket.address().port
  }

  close(): void {
    this.socket.close()
  }

  send(text: string): void {
    this.socket.send(text, this.server, this.host)
  }

  /** A whole request; everything that is not given is made up. */
  compose(method: string, options: RequestOptions): string {
    const { uri, extra = [], body = '', callId = unique(), tag = unique(), cseq = ++requests } = options
    const me = `sip:client@${this.address}:${this.port}`
    const branch = options.branch ?? `z9hG4bK${unique()}`
    const lines = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${this.address}:${this.port};branch=${branch};rport`,
      'Max-Forwards: 70',
      ...extra,
      `From: ${options.from ?? `<${me}>`};tag=${tag}`,
      `To: ${options.to ?? `<${uri}>`}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} ${method}`,
      `Contact: ${options.contact ?? `<${me}>`}`,
      ...(body === '' && options.type === undefined ? [] : [`Content-Type: ${options.type ?? 'application/sdp'}`]),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ]
    return `${lines.join('\r\n')}\r\n\r\n${body}`
  }

  /** Sends a request and waits for its final answer. */
  async request(method: string, options: RequestOptions, milliseconds = 5_000): Promise<SipMessage> {
    const callId = options.callId ?? unique()
    const since = this.received.length
    const cseq = options.cseq ?? ++requests
    this.send(this.compose(method, { ...options, callId, cseq }))
    const isAnswer = (message: SipMessage) =>
      message.status >= 200 && header(message, 'call-id') === callId && header(message, 'cseq').startsWith(`${cseq} `)
    return this.message(isAnswer, since, milliseconds)
  }

  /** As request(), and once more with credentials when it is challenged (401 or 407). */
  async authenticated(method: string, options: RequestOptions, credentials: Credentials): Promise<SipMessage> {
    const call = { callId: unique(), tag: unique(), ...options }
    const challenge = await this.request(method, call)
    if (challenge.status !== 401 && challenge.status !== 407) return challenge
    if (method === 'INVITE') this.acknowledge(challenge, call)
    const authorization = authorize(challenge, method, options.uri, credentials)
    return this.request(method, { ...call, extra: [...(options.extra ?? []), authorization] })
  }

  /** The ACK of an INVITE that was refused: it belongs to the INVITE’s transaction, so it has its branch. */
  acknowledge(answer: SipMessage, options: RequestOptions): void {
    const branch = /branch=([^;,]+)/.exec(header(answer, 'via'))?.[1] ?? ''
    const [from = '', tag] = header(answer, 'from').split(';tag=')
    const call = { callId: header(answer, 'call-id'), cseq: parseInt(header(answer, 'cseq')), to: header(answer, 'to') }
    this.send(this.compose('ACK', { uri: options.uri, branch, from, ...(tag ? { tag } : {}), ...call }))
  }

  /** The first message that `wanted` takes, of those from number `since` on. */
  async message(wanted: (message: SipMessage) => boolean, since = 0, milliseconds = 5_000): Promise<SipMessage> {
    const late = AbortSignal.timeout(milliseconds)
    for (;;) {
      const found = this.received.slice(since).find(wanted)
      if (found) return found
      await once(this.#news, 'message', { signal: late }).catch(() => {
        const had = this.received.slice(since).map(({ start }) => start)
        throw new Error(`no such SIP message in ${milliseconds} ms; there came: ${had.join(', ') || 'nothing'}`)
      })
    }
  }

  /** Answers a request that came in. */
  reply(request: SipMessage, status: string, extra: readonly string[] = [], body = '', tag = unique()): void {
    const copied = ['Via', 'Record-Route', 'From', 'Call-ID', 'CSeq'].flatMap((name) =>
      (request.headers.get(name.toLowerCase()) ?? []).map((value) => `${name}: ${value}`),
    )
    const to = header(request, 'to')
    const lines = [
      `SIP/2.0 ${status}`,
      ...copied,
      `To: ${to}${to.includes(';tag=') || status.startsWith('100') ? '' : `;tag=${tag}`}`,
      `Contact: <sip:client@${this.address}:${this.port}>`,
      ...extra,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ]
    this.send(`${lines.join('\r\n')}\r\n\r\n${body}`)
  }
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

/** The header line that answers a digest challenge (RFC 2617, MD5, qop=auth). */
export function authorize(challenge: SipMessage, method: string, uri: string, who: Credentials, count = 1): string {
  const proxy = challenge.status === 407
  const text = header(challenge, proxy ? 'proxy-authenticate' : 'www-authenticate')
  const value = (name: string) => new RegExp(`${name}="?([^",]+)`).exec(text)?.[1] ?? ''
  const [realm, nonce, cnonce] = [value('realm'), value('nonce'), unique()]
  const nc = count.toString(16).padStart(8, '0')
  const ha1 = md5(`${who.username}:${realm}:${who.password}`)
  const response = md5(`${ha1}:${nonce}:${nc}:${cnonce}:auth:${md5(`${method}:${uri}`)}`)
  const fields = `username="${who.username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}"`
  const name = proxy ? 'Proxy-Authorization' : 'Authorization'
  return `${name}: Digest ${fields}, algorithm=MD5, qop=auth, nc=${nc}, cnonce="${cnonce}"`
}
