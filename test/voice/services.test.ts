import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { WebSocketServer, type WebSocket } from 'ws'
import { becomesTrue } from '../../src/stack/shell.ts'
import { collect, toBytes, type Pcm } from '../../src/voice/pcm.ts'
import { Cartesia } from '../../src/voice/providers/cartesia.ts'
import { Deepgram } from '../../src/voice/providers/deepgram.ts'
import { ElevenLabs } from '../../src/voice/providers/elevenlabs.ts'
import type { SttEvent, Tts } from '../../src/voice/speech.ts'
import { never, tone } from './support.ts'

type Message = Record<string, unknown>

interface Service {
  url: string
  requests: IncomingMessage[]
  messages: Message[]
  /** How many bytes of sound came. */
  bytes(): number
  sockets: WebSocket[]
}

/** A service that answers each message as `answer` says. */
async function service(
  t: ExecutionContext,
  answer: (message: Message, tell: (message: object) => void, socket: WebSocket) => void,
): Promise<Service> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  let bytes = 0
  const made: Omit<Service, 'bytes'> = {
    ...{ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: [], messages: [], sockets: [] },
  }
  server.on('connection', (socket, request) => {
    made.requests.push(request)
    made.sockets.push(socket)
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) return void (bytes += data.length)
      const message = JSON.parse(data.toString()) as Message
      made.messages.push(message)
      answer(message, (reply) => socket.send(JSON.stringify(reply)), socket)
    })
  })
  t.teardown(() => {
    for (const socket of made.sockets) socket.terminate()
    server.close()
  })
  return { ...made, bytes: () => bytes }
}

const said = tone(440, 16_000, 0.4)
const halves = [said.samples.slice(0, 3_200), said.samples.slice(3_200)].map((half) =>
  Buffer.from(toBytes(half)).toString('base64'),
)

/** As ElevenLabs answers: with both spellings of the context. */
const elevenlabs = (message: Message, tell: (reply: object) => void): void => {
  if (message.close_context !== true) return
  tell({ audio: halves[0], contextId: message.context_id })
  tell({ audio: halves[1], context_id: message.context_id })
  tell({ isFinal: true, contextId: message.context_id })
}

const cartesia = (message: Message, tell: (reply: object) => void): void => {
  if (message.cancel) return
  tell({ type: 'chunk', data: halves[0], done: false, context_id: message.context_id })
  tell({ type: 'chunk', data: halves[1], done: false, context_id: message.context_id })
  tell({ type: 'done', done: true, context_id: message.context_id })
}

const makers: Record<
  string,
  { make: (url: string, key?: string) => Tts & { close(): Promise<void> }; answer: typeof elevenlabs }
> = {
  ElevenLabs: {
    make: (url, key = 'secret') => new ElevenLabs({ elevenlabsUrl: url, elevenlabsKey: key }),
    answer: elevenlabs,
  },
  Cartesia: { make: (url, key = 'secret') => new Cartesia({ cartesiaUrl: url, cartesiaKey: key }), answer: cartesia },
}

for (const [name, { make, answer }] of Object.entries(makers)) {
  test(`${name} speaks one text after another over one connection`, async (t) => {
    const { url, requests } = await service(t, answer)
    const tts = make(url)
    t.teardown(() => tts.close())
    t.deepEqual(await collect(tts.synthesize('Hello.', { signal: never() })), said)
    t.deepEqual(await collect(tts.synthesize('Hello again.', { signal: never() })), said)
    t.is(requests.length, 1)
  })

  test(`what ${name} says of a text that is not wanted any more is not heard`, async (t) => {
    const { url, messages } = await service(t, (message, tell) => {
      if (message.close_context !== true && !message.transcript) return
      const id = message.context_id
      tell(
        name === 'Cartesia' ? { type: 'chunk', data: halves[0], context_id: id } : { audio: halves[0], contextId: id },
      )
    })
    const tts = make(url)
    t.teardown(() => tts.close())
    const abort = new AbortController()
    const heard: Pcm[] = []
    const error = await t.throwsAsync(async () => {
      for await (const sound of tts.synthesize('Hello.', { signal: abort.signal })) {
        heard.push(sound)
        abort.abort(new Error('interrupted'))
      }
    })
    t.is(error?.message, 'interrupted')
    t.is(heard.length, 1)
    const ends = () => messages.some((message) => message.cancel === true || message.close_context === true)
    t.true(await becomesTrue(2_000, ends))
  })

  test(`${name} that refuses the key, fails or goes away is told of in words, without the key`, async (t) => {
    const refusing = await service(t, () => undefined)
    const broken = make(refusing.url.replace(/\d+$/, '1'))
    const speak = (tts: Tts) => collect(tts.synthesize('Hello.', { signal: never() }))
    await t.throwsAsync(speak(broken), { message: `the speech service ${name.toLowerCase()} is away` })
    const failing = await service(t, (message, tell) =>
      tell({ type: 'error', error: 'secret is wrong', context_id: message.context_id, contextId: message.context_id }),
    )
    await t.throwsAsync(speak(make(failing.url)), { message: `the speech service ${name.toLowerCase()} failed` })
    const leaving = await service(t, (_, __, socket) => socket.terminate())
    await t.throwsAsync(speak(make(leaving.url)), { message: /closed the connection/ })
    t.throws(() => make('', '').check({}), { message: new RegExp(`HASHDIAL_${name.toUpperCase()}_KEY`) })
  })
}

test('ElevenLabs and Cartesia are asked as they document it', async (t) => {
  const [eleven, cart] = [await service(t, elevenlabs), await service(t, cartesia)]
  const [one, other] = [makers.ElevenLabs!.make(eleven.url), makers.Cartesia!.make(cart.url)]
  t.teardown(() => Promise.all([one.close(), other.close()]))
  await collect(one.synthesize('Hello.', { voice: 'v1', signal: never() }))
  await collect(other.synthesize('Hello.', { voice: 'v2', language: 'de-DE', signal: never() }))
  t.regex(
    eleven.requests[0]!.url!,
    /^\/v1\/text-to-speech\/v1\/multi-stream-input\?model_id=eleven_flash_v2_5&output_format=pcm_16000/,
  )
  t.is(eleven.requests[0]!.headers['xi-api-key'], 'secret')
  t.is(eleven.messages[1]!.text, 'Hello. ')
  t.is(cart.requests[0]!.url, '/tts/websocket')
  t.is(cart.requests[0]!.headers['x-api-key'], 'secret')
  const { voice, language, transcript } = cart.messages[0] as { voice: object; language: string; transcript: string }
  t.deepEqual([voice, language, transcript], [{ mode: 'id', id: 'v2' }, 'de', 'Hello.'])
})

/** Listens, sends the sound, and waits for so many events. */
async function understand(
  server: Service,
  language: string | undefined,
  sends: (socket: WebSocket) => void,
): Promise<SttEvent[]> {
  const events: SttEvent[] = []
  const sink = await new Deepgram({ deepgramUrl: server.url, deepgramKey: 'secret' }).listen(
    (event) => events.push(event),
    {
      ...{ language, interim: true, signal: never() },
    },
  )
  sink.write(said)
  sends(server.sockets[0]!)
  await sink.close()
  return events
}

const closes = (message: Message, _: unknown, socket: WebSocket): void => {
  if (message.type === 'CloseStream') socket.close()
}

test('Deepgram Flux says itself when a turn is over', async (t) => {
  const server = await service(t, closes)
  const info = (event: string, transcript: string, to: number) =>
    JSON.stringify({ type: 'TurnInfo', event, transcript, audio_window_start: 0.1, audio_window_end: to })
  const events = await understand(server, undefined, (socket) => {
    socket.send(JSON.stringify({ type: 'Connected' }))
    socket.send(info('StartOfTurn', 'when', 0.3))
    socket.send(info('Update', 'when are you', 0.5))
    socket.send(info('EndOfTurn', 'When are you open?', 0.8))
  })
  t.deepEqual(
    events.map((event) => [event.type, 'text' in event && event.text]),
    [
      ['start', false],
      ['interim', 'when'],
      ['interim', 'when are you'],
      ['final', 'When are you open?'],
    ],
  )
  t.like(events[3], { start_ms: 100, end_ms: 800, isTurn: true })
  t.regex(server.requests[0]!.url!, /^\/v2\/listen\?model=flux-general-en&encoding=linear16&sample_rate=16000$/)
  t.is(server.requests[0]!.headers.authorization, 'Token secret')
  t.true(server.bytes() > 12_000)
})

test('of Deepgram nova-3 the pieces of an utterance are put together', async (t) => {
  const server = await service(t, closes)
  const results = (transcript: string, is_final: boolean, speech_final: boolean) =>
    JSON.stringify({
      type: 'Results',
      is_final,
      speech_final,
      start: 0.2,
      duration: 0.5,
      channel: { alternatives: [{ transcript }] },
    })
  const events = await understand(server, 'sv-SE', (socket) => {
    socket.send(JSON.stringify({ type: 'SpeechStarted', timestamp: 0.2 }))
    socket.send(results('när', false, false))
    socket.send(results('När har ni', true, false))
    socket.send(results('öppet?', true, true))
    socket.send(JSON.stringify({ type: 'UtteranceEnd' }))
  })
  t.deepEqual(
    events.map((event) => [event.type, 'text' in event && event.text]),
    [
      ['start', false],
      ['interim', 'när'],
      ['final', 'När har ni öppet?'],
    ],
  )
  t.regex(server.requests[0]!.url!, /^\/v1\/listen\?model=nova-3&language=sv&/)
})

test('a Deepgram that goes away, or refuses the key, is told of in words', async (t) => {
  const server = await service(t, () => undefined)
  const failed = new Promise<SttEvent>((resolve) => {
    const listening = new Deepgram({ deepgramUrl: server.url, deepgramKey: 'secret' }).listen(resolve, {
      signal: never(),
    })
    void listening.then(() => server.sockets[0]!.terminate())
  })
  t.like(await failed, { type: 'error', error: { message: 'the speech service deepgram closed the connection' } })
  const stt = new Deepgram({ deepgramUrl: server.url.replace(/\d+$/, '1'), deepgramKey: 'secret' })
  await t.throwsAsync(
    stt.listen(() => undefined, { signal: never() }),
    { message: 'the speech service deepgram is away' },
  )
  t.throws(() => new Deepgram({ deepgramUrl: '', deepgramKey: '' }).check(), { message: /HASHDIAL_DEEPGRAM_KEY/ })
})

test('sound of any rate reaches Deepgram at 16 kHz', async (t) => {
  const server = await service(t, closes)
  const sink = await new Deepgram({ deepgramUrl: server.url, deepgramKey: 'k' }).listen(() => undefined, {
    signal: never(),
  })
  for (let i = 0; i < 50; i++) sink.write({ samples: new Int16Array(160), rate: 8_000 })
  await sink.close()
  t.true(Math.abs(server.bytes() - 32_000) < 400, String(server.bytes()))
})
