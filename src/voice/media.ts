import { WebSocket, type RawData } from 'ws'
import { HashdialError } from '../errors.ts'
import { formats, linear, Pace, parseMessage, type Format } from './media-protocol.ts'
import { join, type Pcm } from './pcm.ts'
import { Resampler } from './resample.ts'

export interface MediaOptions {
  /** `ws://<asterisk>/media/<MEDIA_WEBSOCKET_CONNECTION_ID>`, from the reply of `POST /channels/externalMedia`. */
  url: string
  /** What comes from the channel’s other side, 20 ms at a time. */
  onSound: (sound: Pcm) => void
  /** Hanging up. */
  signal: AbortSignal
  /** So long may Asterisk take to take the connection. */
  connectMs?: number
  /** How far ahead of time sound is sent: what a short pause of Node may last, and what cannot be taken back at once. */
  leadMs?: number
}

/** How long Asterisk may take to tell how much it has not played yet, in milliseconds: it takes 1 to 6. */
const statusMs = 300

/**
 * The sound of one channel that was made with `POST /channels/externalMedia?transport=websocket&encapsulation=none
 * &external_host=INCOMING&connection_type=server`, as Asterisk’s chan_websocket sends and takes it. Closing it hangs the
 * channel up, and the channel’s end closes it.
 */
export class Media {
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>
  #format: Format = linear(16_000)
  #frame = 320
  #json = false
  /** Asterisk can take no more. */
  #isFull = false
  /** Since when nothing is to be heard, though there is more to say. */
  #heldSince: number | undefined
  #pace = new Pace(0)
  #sentMs = 0
  #asked: ((queued: number) => void)[] = []
  #wake: () => void = () => undefined
  #drained: () => void = () => undefined
  #speaking: Promise<void> = Promise.resolve()

  private constructor(
    readonly socket: WebSocket,
    readonly options: MediaOptions,
  ) {
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#wakeAll()
        resolve()
      })
    })
    socket.on('error', () => undefined) // `close` follows
  }

  /** Connects, and resolves when Asterisk has said MEDIA_START. */
  static async open(options: MediaOptions): Promise<Media> {
    options.signal.throwIfAborted()
    const socket = new WebSocket(options.url, 'media', { perMessageDeflate: false, maxPayload: 65_536 })
    const media = new Media(socket, options)
    const close = () => media.close()
    options.signal.addEventListener('abort', close, { once: true })
    void media.closed.then(() => options.signal.removeEventListener('abort', close))
    await media.#begin()
    return media
  }

  get rate(): number {
    return this.#format.rate
  }

  get open(): boolean {
    return this.socket.readyState === WebSocket.OPEN
  }

  /**
   * Lets the other side hear it, after what is being said already. Resolves when it was heard to its end; an abort of
   * `signal` (barge-in) makes silence at once and throws its reason.
   */
  say(sound: AsyncIterable<Pcm>, signal: AbortSignal): Promise<void> {
    const said = this.#speaking.then(() => this.#say(sound, signal))
    this.#speaking = said.catch(() => undefined)
    return said
  }

  /** Silence at once; what is being said goes on with the next frame by `resume`. */
  pause(): void {
    if (this.#heldSince !== undefined) return
    this.#heldSince = performance.now()
    this.#command('PAUSE_MEDIA')
  }

  resume(): void {
    if (this.#heldSince === undefined) return
    this.#pace.held(performance.now() - this.#heldSince)
    this.#heldSince = undefined
    this.#command('CONTINUE_MEDIA')
    this.#wake()
  }

  /** How much of what is being said, or was said last, the other side has heard, in milliseconds: Asterisk knows exactly. */
  async position(): Promise<number> {
    const sent = this.#sentMs
    const queued = await new Promise<number>((resolve) => {
      this.#asked.push(resolve)
      // Who waits for it holds the sound up: without an answer all that was sent counts.
      setTimeout(() => resolve(0), statusMs)
      if (this.open) this.#command('GET_STATUS')
      else this.#answer(0)
    })
    return Math.max(0, sent - queued * ((this.#frame * 1000) / this.rate))
  }

  close(): void {
    // The handshake of a close would wait for an Asterisk that may be gone.
    if (this.open) this.socket.close(1000)
    else this.socket.terminate()
    setTimeout(() => this.socket.terminate(), 1000).unref()
  }

  async #begin(): Promise<void> {
    const { signal, connectMs = 5000 } = this.options
    let started: () => void = () => undefined
    const start = new Promise<'started'>((resolve) => (started = () => resolve('started')))
    this.socket.on('message', (data: RawData, binary: boolean) => {
      if (binary) this.#hear(data as Buffer)
      else this.#told((data as Buffer).toString(), started)
    })
    const timer = setTimeout(() => this.socket.terminate(), connectMs)
    const ended = this.closed.then(() => 'closed' as const)
    const result = await Promise.race([start, ended])
    clearTimeout(timer)
    signal.throwIfAborted()
    if (result === 'closed')
      throw new HashdialError('UNAVAILABLE', 'MEDIA_FAILED', 'Asterisk did not take the connection')
  }

  #hear(bytes: Buffer): void {
    this.options.onSound({ samples: this.#format.decode(bytes), rate: this.rate })
  }

  #told(message: string, started: () => void): void {
    this.#json = message.startsWith('{')
    const { event, format, ptime, queue_length: queued } = parseMessage(message)
    if (event === 'MEDIA_START') {
      const known = formats[String(format)]
      if (!known) return this.close()
      this.#format = known
      this.#frame = (known.rate * Number(ptime ?? 20)) / 1000
      started()
    } else if (event === 'MEDIA_XOFF') this.#isFull = true
    else if (event === 'MEDIA_XON') this.#goOn()
    else if (event === 'QUEUE_DRAINED') this.#drained()
    else if (event === 'STATUS') this.#answer(Number(queued ?? 0))
  }

  #answer(queued: number): void {
    for (const resolve of this.#asked.splice(0)) resolve(queued)
  }

  #goOn(): void {
    this.#isFull = false
    this.#wake()
  }

  #wakeAll(): void {
    this.#goOn()
    this.#drained()
    this.#answer(0)
  }

  /** A pause outlives a flush, though the documentation says that it does not (measured with 22.10.1). */
  #flush(): void {
    this.#command('FLUSH_MEDIA')
    this.resume()
    this.#wakeAll()
  }

  #command(command: string): void {
    if (this.open) this.socket.send(this.#json ? JSON.stringify({ command }) : command)
  }

  async #say(sound: AsyncIterable<Pcm>, signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.options.signal])
    const flush = () => this.#flush()
    either.throwIfAborted()
    either.addEventListener('abort', flush, { once: true })
    try {
      this.#pace = new Pace(this.options.leadMs ?? 80)
      this.#sentMs = 0
      for await (const frame of this.#frames(sound)) {
        const wait = this.#pace.next((frame.length * 1000) / this.rate)
        if (wait > 0) await this.#sleep(wait)
        while ((this.#isFull || this.#heldSince !== undefined) && this.open && !either.aborted) await this.#sleep(1000)
        either.throwIfAborted()
        if (!this.open) throw new HashdialError('UNAVAILABLE', 'MEDIA_CLOSED', 'the channel has ended')
        this.socket.send(this.#format.encode(frame))
        this.#sentMs += (frame.length * 1000) / this.rate
      }
      await this.#drain()
      either.throwIfAborted()
    } finally {
      either.removeEventListener('abort', flush)
    }
  }

  /** Whole frames: chan_websocket throws the rest of a message away (Asterisk 22.10). */
  async *#frames(sound: AsyncIterable<Pcm>): AsyncGenerator<Int16Array> {
    let rest: Int16Array = new Int16Array(0)
    let resampler: Resampler | undefined
    const size = this.#frame
    for await (const { samples, rate } of sound) {
      if (resampler?.from !== rate) resampler = new Resampler(rate, this.rate)
      rest = join([rest, resampler.write(samples)])
      let at = 0
      for (; at + size <= rest.length; at += size) yield rest.slice(at, at + size)
      rest = rest.slice(at)
    }
    rest = join([rest, resampler?.end() ?? rest.slice(rest.length)])
    for (let at = 0; at < rest.length; at += size) {
      const frame = new Int16Array(size) // ends in silence
      frame.set(rest.subarray(at, at + size))
      yield frame
    }
  }

  #drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve
      if (this.open) this.#command('REPORT_QUEUE_DRAINED')
      else resolve()
    })
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake(), ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
