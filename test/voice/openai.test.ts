import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import test from 'ava'
import { collect, join, silence } from '../../src/voice/pcm.ts'
import { OpenAIStt, OpenAITts } from '../../src/voice/providers/openai.ts'
import type { SttEvent } from '../../src/voice/speech.ts'
import { Energy } from '../../src/voice/providers/energy.ts'
import { toBytes } from '../../src/voice/pcm.ts'
import { wav } from '../../src/voice/wav.ts'
import { never, server, tone, voice } from './support.ts'

const said = tone(440, 24_000, 0.5)
const settings = (openaiUrl: string) => ({
  ...{ openaiUrl, openaiKey: 'sk-secret', openaiVoiceModel: 'tts-1', openaiTranscriptionModel: 'whisper-1' },
})
const speak = (url: string, text = 'Hello.', signal = never(), idleMs = 500) =>
  collect(new OpenAITts(settings(url), idleMs).synthesize(text, { voice: 'nova', signal }))
const understand = (url: string, signal = never(), idleMs = 500) =>
  new OpenAIStt(settings(url), new Energy(), idleMs).transcribe(said, { language: 'en-GB', signal })

test('speech is asked for as OpenAI documents it, and comes at the rate of its WAV', async (t) => {
  let asked: { request: IncomingMessage; body: unknown } | undefined
  const url = await server(t, (request, response, body) => {
    asked = { request, body: JSON.parse(body.toString()) }
    response.setHeader('content-type', 'audio/wav')
    response.end(wav(said))
  })
  t.deepEqual(await speak(url), said)
  t.is(asked?.request.url, '/v1/audio/speech')
  t.is(asked?.request.headers.authorization, 'Bearer sk-secret')
  t.deepEqual(asked?.body, { model: 'tts-1', input: 'Hello.', voice: 'nova', response_format: 'wav' })
})

test('speech is there before the server has finished', async (t) => {
  const file = wav(said)
  let finish: () => void = () => undefined
  const url = await server(t, (_, response) => {
    response.write(file.subarray(0, 1001))
    finish = () => response.end(file.subarray(1001))
  })
  const sound = new OpenAITts(settings(url)).synthesize('Hello.', { signal: never() })
  const first = await sound.next()
  t.true((first.value?.samples.length ?? 0) > 0)
  finish()
  const rest = await collect(sound)
  t.deepEqual(join([first.value!.samples, rest.samples]), said.samples)
})

test('a server that sends its samples as they are is understood too', async (t) => {
  const url = await server(t, (_, response) => {
    response.setHeader('content-type', 'audio/L16; rate=16000; channels=1')
    response.write(toBytes(said.samples).subarray(0, 333))
    response.end(toBytes(said.samples).subarray(333))
  })
  t.deepEqual(await speak(url), { samples: said.samples, rate: 16_000 })
})

test('an utterance is sent as a WAV file in a form, and its text comes back', async (t) => {
  let asked: { request: IncomingMessage; form: FormData } | undefined
  const url = await server(t, (request, response, body) => {
    const headers = { 'content-type': request.headers['content-type']! }
    void new Response(new Uint8Array(body), { headers }).formData().then((form) => {
      asked = { request, form }
      response.end(JSON.stringify({ text: ' Hello there. ' }))
    })
  })
  t.is(await understand(url), 'Hello there.')
  t.is(asked?.request.url, '/v1/audio/transcriptions')
  t.is(asked?.request.headers.authorization, 'Bearer sk-secret')
  t.is(asked?.form.get('model'), 'whisper-1')
  t.is(asked?.form.get('language'), 'en')
  const file = asked?.form.get('file') as File
  t.deepEqual(Buffer.from(await file.arrayBuffer()), wav(said))
})

test('each utterance of a call becomes a text of its own, in order, also where one is lost', async (t) => {
  let count = 0
  const url = await server(t, (_, response) => {
    const number = ++count
    const answer = () => {
      response.statusCode = number === 2 ? 500 : 200
      response.end(JSON.stringify({ text: `utterance ${number}` }))
    }
    setTimeout(answer, number === 1 ? 200 : 0) // the first is the last to be understood
  })
  const events: SttEvent[] = []
  const stt = voice(t, settings(url)).stt('openai')
  const ear = await stt.listen((event) => events.push(event), { signal: never() })
  const [pause, word] = [silence(8000, 1000), tone(300, 8000, 0.8)]
  for (const sound of [pause, word, pause, word, pause, word, pause]) ear.write(sound)
  await ear.close()
  const told = events.filter(({ type }) => type !== 'start').map((one) => ('text' in one ? one.text : one.type))
  t.deepEqual(told, ['utterance 1', 'error', 'utterance 3'])
  t.is(events.filter(({ type }) => type === 'start').length, 3)
})

test('what a server does wrong is said in words, without the key', async (t) => {
  const wrong: [string, (response: ServerResponse) => void, RegExp, RegExp][] = [
    [
      'an error',
      (response) => {
        response.statusCode = 401
        response.end('{"error":{"message":"Incorrect API key"}}')
      },
      /answered 401: .*Incorrect API key/,
      /answered 401: .*Incorrect API key/,
    ],
    ['HTML', (response) => response.end('<html>a login page</html>'), /not WAV/, /sent no JSON with a text/],
    ['nothing', (response) => response.end(), /not WAV/, /sent no JSON with a text/],
    ['JSON without a text', (response) => response.end('{"text":7}'), /not WAV/, /sent no JSON with a text/],
    ['a redirect', (response) => response.writeHead(302, { location: '/' }).end(), /could not be asked/, /could not/],
    ['a torn connection', (response) => response.destroy(), /could not be asked/, /could not be asked/],
    ['silence', () => undefined, /said nothing for 0.5 s/, /said nothing for 0.5 s/],
    [
      'a body that stops',
      (response) => response.write(wav(said).subarray(0, 500)),
      /said nothing for 0.5 s/,
      /said nothing for 0.5 s/,
    ],
  ]
  for (const [name, answer, speech, text] of wrong) {
    const url = await server(t, (_, response) => void answer(response))
    const errors = [await t.throwsAsync(speak(url)), await t.throwsAsync(understand(url))]
    t.regex(errors[0]!.message, speech, name)
    t.regex(errors[1]!.message, text, name)
    t.false(errors.some(({ message }) => message.includes('sk-secret')))
  }
  await t.throwsAsync(speak('http://127.0.0.1:9/v1'), { message: /could not be asked \(ECONNREFUSED\)|bad port/ })
})

test('an answer without an end is cut off', async (t) => {
  let sent = 0
  const url = await server(t, (_, response) => {
    const more = () => {
      sent += 1_000_000
      if (!response.destroyed) response.write(Buffer.alloc(1_000_000, ' '), more)
    }
    more()
  })
  await t.throwsAsync(understand(url), { message: /sent more than 1000000 bytes/ })
  t.true(sent < 50_000_000)
})

test('an abort ends the request at the server too', async (t) => {
  const own = new AbortController()
  let gone: Promise<unknown> | undefined
  const url = await server(t, (_, response) => {
    gone = once(response, 'close')
    response.write(wav(said).subarray(0, 100))
    own.abort(new Error('the caller hung up'))
  })
  await t.throwsAsync(speak(url, 'Hello.', own.signal), { message: 'the caller hung up' })
  await gone
  t.pass()
})

test('who does not read on lets the server go', async (t) => {
  let gone: Promise<unknown> | undefined
  const url = await server(t, (_, response) => {
    gone = once(response, 'close')
    response.write(wav(said))
  })
  const speech = new OpenAITts(settings(url)).synthesize('Hello.', { signal: never() })
  await speech.next()
  await speech.return(undefined)
  await gone
  t.pass()
})

test('without a server the error says what to configure, and a text that is too long is refused', async (t) => {
  t.throws(() => voice(t).tts('openai').check({}), { message: /give its URL/ })
  await t.throwsAsync(speak(''), { message: /give its URL/ })
  await t.throwsAsync(speak('http://127.0.0.1:9/v1', 'x'.repeat(5000)), { message: /5000 characters/ })
})
