import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { WebSocketServer, type WebSocket } from 'ws'
import { Media, type MediaOptions } from '../../src/voice/media.ts'
import { toMulaw } from '../../src/voice/mulaw.ts'
import { join, type Pcm } from '../../src/voice/pcm.ts'
import { loudness, share } from '../support/tone.ts'
import { never, tone } from './support.ts'

/**
 * What Asterisk 22.10's chan_websocket does with what it is sent: it queues whole frames, throws the rest of a message
 * away, plays a frame every 20 ms, and tells when the queue is empty. test/calls hears the real one.
 */
class Channel {
  readonly messages: string[] = []
  readonly played: Buffer[] = []
  readonly arrived: number[] = []
  deepest = 0
  queue: Buffer[] = []
  #report = false
  #next = performance.now()
  readonly #clock: NodeJS.Timeout

  constructor(
    readonly socket: WebSocket,
    readonly bytes: number,
    readonly json: boolean,
  ) {
    socket.on('message', (data: Buffer, binary) => (binary ? this.#sound(data) : this.#command(data.toString())))
    this.#clock = setInterval(() => this.#tick(), 10)
    socket.on('close', () => clearInterval(this.#clock))
  }

  tell(event: string, rest: Record<string, unknown> = {}): void {
    const text = [event, ...Object.entries(rest).map(([key, value]) => `${key}:${String(value)}`)].join(' ')
    this.socket.send(this.json ? JSON.stringify({ event, ...rest }) : text)
  }

  #sound(data: Buffer): void {
    this.arrived.push(performance.now())
    for (let at = 0; at + this.bytes <= data.length; at += this.bytes)
      this.queue.push(data.subarray(at, at + this.bytes))
    this.deepest = Math.max(this.deepest, this.queue.length)
  }

  #command(message: string): void {
    const command = this.json ? (JSON.parse(message) as { command: string }).command : message
    this.messages.push(command)
    if (command === 'FLUSH_MEDIA') this.queue = []
    if (command === 'REPORT_QUEUE_DRAINED') this.#report = true
  }

  /** By the clock, as Asterisk’s timer does, and not by ours, which is late when the machine is busy. */
  #tick(): void {
    for (; this.#next <= performance.now(); this.#next += 20) this.#play()
  }

  #play(): void {
    const frame = this.queue.shift()
    if (frame) this.played.push(frame)
    else if (this.#report) {
      this.#report = false
      this.tell('QUEUE_DRAINED')
    }
  }
}

interface Offer {
  format?: string
  json?: boolean
  options?: Partial<MediaOptions>
}

async function connected(t: ExecutionContext, { format = 'slin16', json = false, options = {} }: Offer = {}) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  t.teardown(() => server.close())
  await once(server, 'listening')
  const bytes = { slin16: 640, slin: 320, ulaw: 160 }[format] ?? 640
  const accepted = once(server, 'connection').then((event) => {
    const [socket, request] = event as [WebSocket, { url: string }]
    const channel = new Channel(socket, bytes, json)
    const about = { connection_id: 'c1', channel: 'WebSocket/c1', channel_id: 'x', format }
    channel.tell('MEDIA_START', { ...about, optimal_frame_size: bytes, ptime: 20 })
    return { channel, path: request.url }
  })
  const heard: Pcm[] = []
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/media/c1`
  const media = await Media.open({ url, onSound: (sound) => heard.push(sound), signal: never(), ...options })
  t.teardown(() => media.close())
  return { media, heard, ...(await accepted) }
}

async function* stream(...sounds: Pcm[]): AsyncGenerator<Pcm> {
  yield* sounds
}

test('what the channel sends is heard, at the rate of its format', async (t) => {
  const { media, channel, heard, path } = await connected(t, { format: 'ulaw' })
  t.is(path, '/media/c1')
  t.is(media.rate, 8000)
  const { samples } = tone(440, 8000, 0.2)
  for (let at = 0; at < samples.length; at += 160) channel.socket.send(toMulaw(samples.subarray(at, at + 160)))
  channel.socket.close()
  await media.closed
  const sound = { rate: 8000, samples: join(heard.map((piece) => piece.samples)) }
  t.is(sound.samples.length, samples.length)
  t.true(share(sound, 440) > 0.98)
})

test('speech of any rate and cut is sent in whole frames, and said when it was heard to its end', async (t) => {
  const { media, channel } = await connected(t)
  const began = performance.now()
  await media.say(stream(tone(440, 24_000, 0.333), tone(440, 24_000, 0.1)), never())
  const took = performance.now() - began
  const bytes = Buffer.concat(channel.played.slice(0, 16))
  t.is(channel.played.length, Math.ceil(433 / 20))
  const samples = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
  t.true(share({ rate: 16_000, samples }, 440) > 0.95)
  t.true(took > 380, `said in ${took} ms`)
})

test('speech is paced: the queue in Asterisk never grows, though all of it was there at once', async (t) => {
  const { media, channel } = await connected(t, { options: { leadMs: 80 } })
  await media.say(stream(tone(440, 16_000, 1)), never())
  t.true(channel.deepest <= 8, `${channel.deepest} frames`)
  t.true(channel.arrived.at(-1)! - channel.arrived[0]! > 600)
})

test('barge-in makes silence at once, and the next speech is heard', async (t) => {
  const { media, channel } = await connected(t)
  const bargeIn = new AbortController()
  setTimeout(() => bargeIn.abort(new Error('the caller speaks')), 200)
  await t.throwsAsync(media.say(stream(tone(440, 16_000, 5)), bargeIn.signal), { message: 'the caller speaks' })
  await media.say(stream(tone(880, 16_000, 0.2)), never())
  t.true(channel.messages.includes('FLUSH_MEDIA'))
  t.true(channel.played.length < 30, `${channel.played.length} frames were heard`)
  const bytes = Buffer.concat(channel.played.slice(-8))
  const samples = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
  t.true(share({ rate: 16_000, samples }, 880) > 0.8)
})

test('two speeches are said one after the other', async (t) => {
  const { media, channel } = await connected(t, { format: 'slin' })
  await Promise.all([440, 880].map((pitch) => media.say(stream(tone(pitch, 8000, 0.2)), never())))
  const pitches = [channel.played.slice(1, 9), channel.played.slice(11, 19)].map((frames) => {
    const bytes = Buffer.concat(frames)
    const samples = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
    return [440, 880].find((pitch) => share({ rate: 8000, samples }, pitch) > 0.9)
  })
  t.deepEqual(pitches, [440, 880])
})

test('MEDIA_XOFF stops the sound and MEDIA_XON lets it go on', async (t) => {
  const { media, channel } = await connected(t)
  const said = media.say(stream(tone(440, 16_000, 0.4)), never())
  channel.tell('MEDIA_XOFF')
  await new Promise((resolve) => setTimeout(resolve, 100))
  const before = channel.arrived.length
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.is(channel.arrived.length, before)
  channel.tell('MEDIA_XON')
  await said
  t.is(channel.played.length, 20)
})

test('an Asterisk that speaks JSON is answered in JSON', async (t) => {
  const { media, channel } = await connected(t, { json: true })
  await media.say(stream(tone(440, 16_000, 0.1)), never())
  t.deepEqual(channel.messages, ['REPORT_QUEUE_DRAINED'])
  t.true(
    loudness({ rate: 16_000, samples: new Int16Array(new Uint8Array(Buffer.concat(channel.played)).buffer) }) > 5000,
  )
})

test('a hang-up ends what is being said, from either side', async (t) => {
  const theirs = await connected(t)
  const said = theirs.media.say(stream(tone(440, 16_000, 5)), never())
  setTimeout(() => theirs.channel.socket.terminate(), 100)
  await t.throwsAsync(said, { message: 'the channel has ended' })
  await theirs.media.closed

  const own = new AbortController()
  const ours = await connected(t, { options: { signal: own.signal } })
  setTimeout(() => own.abort(new Error('hung up')), 100)
  await t.throwsAsync(ours.media.say(stream(tone(440, 16_000, 5)), never()), { message: 'hung up' })
  await ours.media.closed
})

test('an Asterisk that refuses, or takes the connection and says nothing, does not keep anyone waiting', async (t) => {
  const options = { onSound: () => undefined, signal: never(), connectMs: 200 }
  await t.throwsAsync(Media.open({ url: 'ws://127.0.0.1:9/media/x', ...options }), { message: /did not take/ })
  const silent = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  t.teardown(() => silent.close())
  await once(silent, 'listening')
  const url = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}/media/x`
  await t.throwsAsync(Media.open({ url, ...options }), { message: /did not take/ })
  await t.throwsAsync(Media.open({ url, ...options, signal: AbortSignal.abort(new Error('hung up')) }), {
    message: 'hung up',
  })
})
