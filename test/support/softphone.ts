import { becomesTrue } from '../../src/stack/shell.ts'
import type { Stack } from '../../src/stack/stack.ts'
import { Baresip, type BaresipEvent } from './baresip.ts'
import { lastSeconds, loudness, readWav, share, type Sound, tonesHeard } from './tone.ts'

export interface Account {
  username: string
  domain: string
  password?: string
}

export interface PhoneOptions {
  account?: Account
  /** The tone that it plays, in Hz; every phone of a test should have another. */
  tone?: number
  transport?: 'udp' | 'tcp'
  /** Answers by itself. */
  answers?: boolean
  /** Seconds a registration is asked for. */
  expires?: number
}

let phones = 0
const tones = [440, 620, 830, 1110, 1330, 1570, 1810, 2050]

/**
 * A real softphone (baresip) behind the stack’s Kamailio. Every wait is for an event of the phone itself, and past events
 * count: `await phone.established()` is right whether the call was established before or after the line was reached.
 */
export class Softphone {
  /** Where the current call’s events begin: after the last call whose end was waited for. */
  #call = 0

  private constructor(
    readonly baresip: Baresip,
    readonly account: Account,
    readonly tone: number,
    readonly transport: string,
    readonly options: PhoneOptions,
    readonly proxy: string,
  ) {}

  static async start(stack: Stack, options: PhoneOptions = {}): Promise<Softphone> {
    const number = phones++
    const tone = options.tone ?? tones[number % tones.length]!
    const account = options.account ?? { username: `stranger${number}`, domain: 'elsewhere.test' }
    const baresip = await Baresip.start(stack, `${process.pid}-${number}`, tone)
    const transport = options.transport ?? 'udp'
    const proxy = `sip:127.0.0.1:${stack.ports.sip};transport=${transport}`
    const phone = new Softphone(baresip, account, tone, transport, options, proxy)
    await phone.#login()
    return phone
  }

  /** Waits until it is registered. */
  async registered(): Promise<void> {
    const event = await this.baresip.event(({ type }) => type === 'REGISTER_OK' || type === 'REGISTER_FAIL')
    if (event.type === 'REGISTER_FAIL')
      throw new Error(`registration of ${this.account.username}: ${event.param}\n${this.baresip.log}`)
  }

  /** Waits until a registration is refused, and tells why (`403 Extension Already Registered`). */
  async refused(): Promise<string> {
    return (await this.baresip.event(({ type }) => type === 'REGISTER_FAIL')).param ?? ''
  }

  async dial(uri: string): Promise<void> {
    this.#call = this.baresip.events.length
    await this.baresip.command('dial', uri)
  }

  /** Dials; false when the call ends before it rings at the other side. */
  async reaches(uri: string): Promise<boolean> {
    await this.dial(uri)
    const known = ['CALL_RINGING', 'CALL_ESTABLISHED', 'CALL_CLOSED']
    const { type } = await this.baresip.event((event) => known.includes(event.type), this.#call)
    return type !== 'CALL_CLOSED'
  }

  async answer(): Promise<void> {
    await this.#has('CALL_INCOMING')
    await this.baresip.command('accept')
  }

  /** Refuses the ringing call: 486. */
  async reject(): Promise<void> {
    await this.#has('CALL_INCOMING')
    await this.baresip.command('hangup')
  }

  async hangup(): Promise<void> {
    await this.baresip.command('hangup')
  }
  /** Sends the other party to this address (REFER). */
  async transfer(uri: string): Promise<void> {
    await this.baresip.command('transfer', uri)
  }

  /** Sends the re-INVITE and waits for its answer. */
  async hold(): Promise<void> {
    await this.#renegotiated(this.baresip.command('hold'))
  }
  async resume(): Promise<void> {
    // baresip 1.1 resumes, and reports "Invalid argument" all the same.
    await this.#renegotiated(this.baresip.command('resume').catch(() => ''))
  }
  async press(digits: string): Promise<void> {
    for (const digit of digits) await this.baresip.command('sndcode', digit)
  }

  /** A call comes in; tells from whom. */
  async rings(milliseconds?: number): Promise<string> {
    return (await this.#has('CALL_INCOMING', milliseconds)).peeruri ?? ''
  }
  /** Has any call come in so far? */
  get hasRung(): boolean {
    return this.baresip.events.some(({ type }) => type === 'CALL_INCOMING')
  }
  /** The other side rings (180). */
  async hearsRinging(milliseconds?: number): Promise<void> {
    await this.#has('CALL_RINGING', milliseconds)
  }
  async established(milliseconds?: number): Promise<void> {
    await this.#has('CALL_ESTABLISHED', milliseconds)
  }
  /** The call is over; tells why (`486 Busy Here`, `Connection reset by peer` for a BYE). */
  async closed(milliseconds?: number): Promise<string> {
    const event = await this.#has('CALL_CLOSED', milliseconds)
    this.#call = this.baresip.events.indexOf(event) + 1
    return event.param ?? ''
  }

  /** What it heard in the last `seconds` of its call. */
  heard(seconds = 0.5): Sound {
    return lastSeconds(readWav(this.baresip.recording), seconds)
  }

  /** What it has heard, in words: for a test that fails. */
  hearing(): string {
    const all = readWav(this.baresip.recording)
    const last = lastSeconds(all, 0.5)
    const heard = tones.map((tone) => `${tone} Hz ${share(last, tone).toFixed(2)}`).join(', ')
    const length = (all.samples.length / all.rate).toFixed(1)
    const seconds = Array.from({ length: Math.floor(all.samples.length / all.rate) }, (_, second) =>
      loudness({ rate: all.rate, samples: all.samples.subarray(second * all.rate, (second + 1) * all.rate) }).toFixed(
        0,
      ),
    )
    return `heard ${length} s (loudness ${seconds.join(' ')}); of its last half second: ${heard}`
  }

  /** Waits until it has heard this tone, clearly, for half a second; false when that does not happen. */
  hears(tone: number | Softphone, milliseconds = 20_000): Promise<boolean> {
    const frequency = typeof tone === 'number' ? tone : tone.tone
    return this.#hearsSoon(milliseconds, (sound) => loudness(sound) > 300 && share(sound, frequency) > 0.8)
  }

  /** Waits until these tones are heard together, and no other phone’s. */
  hearsTogether(phones: readonly Softphone[], milliseconds = 20_000): Promise<boolean> {
    const wanted = phones.map(({ tone }) => tone).sort()
    return this.#hearsSoon(milliseconds, (sound) => tonesHeard(sound, tones).sort().join() === wanted.join())
  }

  /** Waits for half a second of silence. */
  hearsNothing(milliseconds = 20_000): Promise<boolean> {
    return this.#hearsSoon(milliseconds, (sound) => loudness(sound) < 50)
  }

  /** Takes itself off: the registration is removed too. */
  async unregister(): Promise<void> {
    await this.baresip.command('uadelall')
  }

  /** Gone without a word. */
  async stop(): Promise<void> {
    await this.baresip.stop()
  }

  async #login(): Promise<void> {
    const { username, domain, password } = this.account
    const { answers = false, expires = 60 } = this.options
    const parameters = [
      `auth_user=${username}`,
      `auth_pass=${password ?? ''}`,
      `outbound="${this.proxy}"`,
      `regint=${password === undefined ? 0 : expires}`,
      `answermode=${answers ? 'auto' : 'manual'}`,
      'audio_codecs=pcmu',
    ]
    await this.baresip.command(
      'uanew',
      `<sip:${username}@${domain};transport=${this.transport}>;${parameters.join(';')}`,
    )
  }

  async #renegotiated(command: Promise<string>): Promise<void> {
    const since = this.baresip.events.length
    await command
    await this.baresip.event(({ type, param }) => type === 'CALL_REMOTE_SDP' && param === 'answer', since)
  }

  #has(type: string, milliseconds?: number): Promise<BaresipEvent> {
    return this.baresip.event((event) => event.type === type, this.#call, milliseconds)
  }

  #hearsSoon(milliseconds: number, right: (sound: Sound) => boolean): Promise<boolean> {
    return becomesTrue(milliseconds, () => {
      const sound = this.heard()
      return sound.samples.length >= sound.rate * 0.5 && right(sound)
    })
  }
}
