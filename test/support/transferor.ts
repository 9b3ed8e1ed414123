import { device, incoming, sdp } from '../calls/support.ts'
import type { Extension, Setup } from './setup.ts'
import { header, type SipClient, type SipMessage } from './sip.ts'

/** A device that answers, and transfers, as it is told: baresip hangs up where a transfer fails. */
export class Transferor {
  #refers = 0

  private constructor(
    readonly sip: SipClient,
    readonly invite: SipMessage,
    readonly to: string,
  ) {}

  static async answer(setup: Setup, extension: Extension, dial: () => Promise<unknown>): Promise<Transferor> {
    const sip = await device(setup, extension)
    await dial()
    const invite = await incoming(sip)
    sip.reply(invite, '200 OK', [], sdp('127.0.0.1', 40_000))
    const ack = await sip.message(({ method }) => method === 'ACK')
    return new Transferor(sip, invite, header(ack, 'to'))
  }

  /** The answer to a REFER, and the last that is told of its progress. */
  async transfer(to: string): Promise<{ status: number; progress: string }> {
    const since = this.sip.received.length
    const [from = '', tag = ''] = this.to.split(';tag=')
    const routes = (this.invite.headers.get('record-route') ?? []).flatMap((value) => value.split(/,\s*/))
    const { status } = await this.sip.request('REFER', {
      ...{ uri: /<([^>]+)>/.exec(header(this.invite, 'contact'))![1]!, from, tag, to: header(this.invite, 'from') },
      ...{ callId: header(this.invite, 'call-id'), cseq: 100 + this.#refers++ },
      extra: [...routes.map((route) => `Route: ${route}`), `Refer-To: <${to}>`],
    })
    return { status, progress: status === 202 ? await this.#progress(since) : '' }
  }

  async #progress(since: number): Promise<string> {
    for (let seen = since; ; seen++) {
      const notify = await this.sip.message(({ method }) => method === 'NOTIFY', seen, 15_000)
      seen = this.sip.received.indexOf(notify)
      this.sip.reply(notify, '200 OK')
      if (!notify.body.includes(' 100 ')) return notify.body.trim()
    }
  }

  /** Does the call go on? */
  get hasHungUp(): boolean {
    return this.sip.received.some(({ method }) => method === 'BYE')
  }
}
