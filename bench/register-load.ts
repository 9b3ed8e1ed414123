import { createHash, randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

export interface Load {
  /** Kamailio's port on 127.0.0.1. */
  port: number
  /** The port of the devices, who keep it from one run to the next. */
  from: number
  /** Numbers of the devices: e<n> with the password `secret<n>`. */
  devices: readonly number[]
  domain: string
  realm: string
  /** Exchanges in progress at the same time. */
  window: number
  /** How long; until every device has registered once when it is not said. */
  milliseconds?: number
}

export interface Outcome {
  /** Whole exchanges (REGISTER, challenge, REGISTER, 200) a second. */
  rate: number
  done: number
  /** Answers other than the challenge and the 200. */
  refused: number
  /** Requests that were sent again because nothing came within half a second. */
  retransmitted: number
  /** Of the whole exchange, in milliseconds. */
  median: number
  /** Call-ID → CSeq of what was answered with 200. */
  granted: Map<string, number>
  last: string
}

interface Exchange {
  device: number
  callId: string
  cseq: number
  began: number
  sent: number
  text: string
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
const field = (text: string, name: string): string => {
  const at = text.indexOf(`\r\n${name}: `)
  return at < 0 ? '' : text.slice(at + name.length + 4, text.indexOf('\r\n', at + 2))
}
const quoted = (text: string, name: string): string => {
  const at = text.indexOf(`${name}="`)
  return at < 0 ? '' : text.slice(at + name.length + 2, text.indexOf('"', at + name.length + 2))
}

/** Of each Kamailio and population: its devices' last CSeqs. */
const remembered = new Map<string, Map<number, number>>()

/**
 * Devices that register as fast as they are answered, in a closed loop: a new exchange begins when one is over. Each is
 * a device of its own (Call-ID, instance, contact), all behind one address, as behind one NAT.
 */
export class RegisterLoad {
  readonly #exchanges = new Map<string, Exchange>()
  readonly #latencies: number[] = []
  #outcome = { done: 0, refused: 0, retransmitted: 0, last: '', granted: new Map<string, number>() }
  #running = true
  #count = 0
  #turn = 0
  #finished = (): void => {}

  private constructor(
    readonly load: Load,
    readonly socket: Socket,
    /** The last CSeq of each device, which goes on from one run to the next as a device's does. */
    readonly cseqs: Map<number, number>,
  ) {
    socket.on('message', (bytes) => this.#received(bytes.toString('latin1')))
  }

  static async run(load: Load): Promise<Outcome> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 8 << 20, sendBufferSize: 8 << 20 })
    socket.bind(load.from, '127.0.0.1')
    await once(socket, 'listening')
    const key = `${load.port} ${load.devices.length} ${load.devices.at(-1)}`
    const cseqs = remembered.get(key) ?? new Map<number, number>()
    remembered.set(key, cseqs)
    return new RegisterLoad(load, socket, cseqs).#measure()
  }

  async #measure(): Promise<Outcome> {
    const began = performance.now()
    const finished = new Promise<void>((resolve) => (this.#finished = resolve))
    for (let n = 0; n < this.load.window; n++) this.#begin()
    const retransmit = setInterval(() => this.#retransmit(), 100)
    if (this.load.milliseconds) await new Promise((resolve) => setTimeout(resolve, this.load.milliseconds))
    else await finished
    const seconds = (performance.now() - began) / 1000
    const outcome = { ...this.#outcome }
    this.#running = false
    clearInterval(retransmit)
    this.socket.close()
    const sorted = this.#latencies.sort((a, b) => a - b)
    return { ...outcome, rate: outcome.done / seconds, median: sorted[sorted.length >> 1] ?? NaN }
  }

  #begin(): void {
    const device = this.#next()
    if (device === undefined) return this.#exchanges.size === 0 ? this.#finished() : undefined
    const callId = `${device}@bench`
    if (this.#exchanges.has(callId)) return this.#begin()
    const cseq = (this.cseqs.get(device) ?? 0) + 1
    const exchange = { device, callId, cseq, began: performance.now(), sent: 0, text: '' }
    this.#exchanges.set(callId, exchange)
    this.#send(exchange, '')
  }

  #next(): number | undefined {
    const { devices, milliseconds } = this.load
    return devices[milliseconds ? Math.floor(Math.random() * devices.length) : this.#turn++]
  }

  #send(exchange: Exchange, authorization: string): void {
    const { device, callId, cseq } = exchange
    this.cseqs.set(device, cseq)
    const { domain } = this.load
    const { port } = this.socket.address()
    exchange.text = `REGISTER sip:${domain} SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${(this.#count++).toString(36)}${callId};rport\r
Max-Forwards: 70\r
From: <sip:e${device}@${domain}>;tag=${device}\r
To: <sip:e${device}@${domain}>\r
Call-ID: ${callId}\r
CSeq: ${cseq} REGISTER\r
Contact: <sip:e${device}@127.0.0.1:${port}>;+sip.instance="<urn:uuid:00000000-0000-4000-8000-${String(device).padStart(12, '0')}>"\r
User-Agent: bench\r
Expires: 3600\r
${authorization}Content-Length: 0\r\n\r\n`
    exchange.sent = performance.now()
    this.socket.send(exchange.text, this.load.port, '127.0.0.1')
  }

  #received(text: string): void {
    if (text.startsWith('OPTIONS')) return this.#answerOptions(text)
    const exchange = this.#exchanges.get(field(text, 'Call-ID'))
    if (!exchange || parseInt(field(text, 'CSeq')) !== exchange.cseq || !this.#running) return
    const status = text.slice(8, 11)
    if ((status === '407' || status === '401') && !exchange.text.includes('\r\nAuthorization')) {
      exchange.cseq++
      return this.#send(exchange, this.#authorization(text, exchange.device))
    }
    this.#exchanges.delete(exchange.callId)
    if (status === '200') {
      this.#outcome.done++
      this.#outcome.granted.set(exchange.callId, exchange.cseq)
      this.#latencies.push(performance.now() - exchange.began)
    } else {
      this.#outcome.refused++
      this.#outcome.last = text
    }
    this.#begin()
  }

  #authorization(challenge: string, device: number): string {
    const { domain, realm } = this.load
    const [user, uri, cnonce] = [`e${device}`, `sip:${domain}`, randomBytes(4).toString('hex')]
    const nonce = quoted(challenge, 'nonce')
    const hashes = [md5(`${user}:${realm}:secret${device}`), md5(`REGISTER:${uri}`)]
    const response = md5(`${hashes[0]}:${nonce}:00000001:${cnonce}:auth:${hashes[1]}`)
    return `Authorization: Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="${cnonce}"\r\n`
  }

  #answerOptions(text: string): void {
    const copied = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${field(text, name)}\r\n`).join('')
    this.socket.send(`SIP/2.0 200 OK\r\n${copied}Content-Length: 0\r\n\r\n`, this.load.port, '127.0.0.1')
  }

  #retransmit(): void {
    const late = performance.now() - 500
    for (const exchange of this.#exchanges.values()) {
      if (exchange.sent > late) continue
      this.#outcome.retransmitted++
      exchange.sent = performance.now()
      this.socket.send(exchange.text, this.load.port, '127.0.0.1')
    }
  }
}
