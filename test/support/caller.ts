import { randomUUID } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import type { Setup } from './setup.ts'
import { header, type RequestOptions, type SipClient, type SipMessage } from './sip.ts'

const events = '0123456789*#ABCD'

/** What a dialog's requests of the caller say: made from its INVITE and the 200. */
export function inside(answer: SipMessage, call: { callId: string; tag: string }): RequestOptions {
  const uri = /<([^>]+)>/.exec(header(answer, 'contact'))?.[1] ?? ''
  const routes = (answer.headers.get('record-route') ?? []).flatMap((value) => value.split(/,\s*/)).reverse()
  return { ...call, uri, to: header(answer, 'to'), extra: routes.map((route) => `Route: ${route}`) }
}

export interface InCallOptions extends Partial<RequestOptions> {
  /** A line in front of the recorded route. */
  first?: string
}

/** A caller whose every packet is made by the test: SIP, and sound and keys by RTP. */
export class BareCaller {
  readonly call = { callId: randomUUID() as string, tag: 'caller' }
  /** How many packets of sound have come, by the port that was offered. */
  readonly heard: number[] = []
  #dialog: RequestOptions | undefined
  #cseq = 1
  #far = 0
  #sequence = 0
  #time = 0

  private constructor(
    readonly sip: SipClient,
    readonly sockets: readonly Socket[],
  ) {
    for (const [index, socket] of sockets.entries()) {
      this.heard[index] = 0
      socket.on('message', () => this.heard[index]!++)
    }
  }

  static async open(t: ExecutionContext, setup: Setup): Promise<BareCaller> {
    const sockets = [createSocket('udp4').bind(0, '127.0.0.1'), createSocket('udp4').bind(0, '127.0.0.1')]
    t.teardown(() => sockets.forEach((socket) => socket.close()))
    await Promise.all(sockets.map((socket) => once(socket, 'listening')))
    return new BareCaller(await setup.sip(), sockets)
  }

  get ports(): number[] {
    return this.sockets.map((socket) => socket.address().port)
  }

  /** Calls with this offer, and tells the final answer, which is acknowledged (with `late` as the answer to its offer). */
  async dial(uri: string, body: string, late = ''): Promise<SipMessage> {
    const invite = { ...this.call, uri, cseq: this.#cseq, body }
    const answer = await this.sip.request('INVITE', invite)
    if (answer.status >= 300) this.sip.acknowledge(answer, invite)
    else {
      this.#dialog = inside(answer, this.call)
      this.#far = Number(/m=audio ([1-9]\d*) /.exec(answer.body)?.[1] ?? 0)
      this.sip.send(this.sip.compose('ACK', { ...this.#dialog, cseq: this.#cseq, body: late }))
    }
    return answer
  }

  /** A request in the call that was answered. */
  request(method: string, { first, ...options }: InCallOptions = {}): Promise<SipMessage> {
    if (!this.#dialog) throw new Error('there is no call yet')
    const extra = [...(first ? [first] : []), ...(this.#dialog.extra ?? []), ...(options.extra ?? [])]
    return this.sip.request(method, { ...this.#dialog, cseq: ++this.#cseq, ...options, extra })
  }

  async bye(): Promise<void> {
    await this.request('BYE')
  }

  /** Offers other media. */
  async change(body: string): Promise<SipMessage> {
    const answer = await this.request('INVITE', { body })
    if (answer.status < 300) this.sip.send(this.sip.compose('ACK', { ...this.#dialog!, cseq: this.#cseq }))
    else this.sip.acknowledge(answer, this.#dialog!)
    return answer
  }

  /** One packet of sound (20 ms of silence, PCMU) from the socket with this number. */
  sound(index: number): void {
    const packet = Buffer.alloc(172, 0xff)
    packet.writeUInt16BE(0x8000, 0)
    packet.writeUInt16BE(this.#sequence++ & 0xffff, 2)
    packet.writeUInt32BE((this.#time += 160), 4)
    packet.writeUInt32BE(4711, 8)
    this.sockets[index]!.send(packet, this.#far, '127.0.0.1')
  }

  /** A key by RFC 4733 (payload type 101): begun, kept for so many milliseconds, and ended three times over. */
  async press(key: string, milliseconds: number): Promise<void> {
    this.#time += 8_000
    const began = performance.now()
    for (let at = 20; at <= milliseconds; at += 20) {
      this.#event(key, at - 20, false, at === 20)
      await sleep(Math.max(0, began + at - performance.now()))
    }
    for (let n = 0; n < 3; n++) this.#event(key, milliseconds, true, false)
  }

  #event(key: string, milliseconds: number, end: boolean, marker: boolean): void {
    const packet = Buffer.alloc(16)
    packet.writeUInt8(0x80, 0)
    packet.writeUInt8((marker ? 0x80 : 0) | 101, 1)
    packet.writeUInt16BE(this.#sequence++ & 0xffff, 2)
    packet.writeUInt32BE(this.#time, 4)
    packet.writeUInt32BE(4711, 8)
    packet.writeUInt8(events.indexOf(key), 12)
    packet.writeUInt8((end ? 0x80 : 0) | 10, 13)
    packet.writeUInt16BE(milliseconds * 8, 14)
    this.sockets[0]!.send(packet, this.#far, '127.0.0.1')
  }

  /** The same by INFO. */
  info(key: string, milliseconds = 160): Promise<SipMessage> {
    const body = `Signal= ${key}\r\nDuration= ${milliseconds}\r\n`
    return this.request('INFO', { type: 'application/dtmf-relay', body })
  }
}
