import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { collect, toBytes, type Pcm } from '../../src/voice/pcm.ts'
import { Cartesia } from '../../src/voice/providers/cartesia.ts'
import { ElevenLabs } from '../../src/voice/providers/elevenlabs.ts'
import type { Tts } from '../../src/voice/speech.ts'
import { service, type Message } from './service.ts'
import { never, tone } from './support.ts'

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
