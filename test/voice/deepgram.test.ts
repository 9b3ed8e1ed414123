import test from 'ava'
import type { WebSocket } from 'ws'
import { Deepgram } from '../../src/voice/providers/deepgram.ts'
import type { SttEvent } from '../../src/voice/speech.ts'
import { service, type Message, type Service } from './service.ts'
import { never, tone } from './support.ts'

const said = tone(440, 16_000, 0.4)

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
