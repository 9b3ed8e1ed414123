import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import test from 'ava'
import { ensureModels } from '../../src/stack/models.ts'
import { collect, join as joined, milliseconds, silence, type Pcm } from '../../src/voice/pcm.ts'
import type { SttEvent, SttOptions } from '../../src/voice/speech.ts'
import { loudness } from '../support/tone.ts'
import { byTelephone, folder, makeVoice, never, voice, words } from './support.ts'

const prompts = [
  'Welcome to the demo.',
  'Please leave a message after the tone.',
  'Press two for support.',
  'Please enter your account number.',
  'The office is open from nine to five.',
  'You are caller number three.',
  'Thank you, goodbye.',
]

const modelsFolder = await ensureModels(() => undefined)
/** One for all, as in a process: two processes for the voice, one to detect, one to understand. */
const house = makeVoice({ modelsFolder })
test.after.always(() => house.close())

/** The processes that this one has started. */
const children = () =>
  readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)

type Final = Extract<SttEvent, { text: string }>
const finalsOf = (events: SttEvent[]): Final[] => events.filter((event): event is Final => event.type === 'final')

async function spoken(text: string, name = ''): Promise<Pcm> {
  return collect(house.tts().synthesize(text, { voice: name, signal: never() }))
}

/** What is heard of `sound` as it comes in from a call: 20 ms at a time, though faster. */
async function heard(sounds: Pcm[], options: Partial<SttOptions> = {}, stt = house.stt(), pauseMs = 5) {
  const events: SttEvent[] = []
  const ear = await stt.listen((event) => events.push(event), { signal: never(), ...options })
  const pause = silence(8000, 800).samples
  const line = joined(sounds.flatMap((sound) => [pause, byTelephone(sound).samples, pause]))
  for (let at = 0; at < line.length; at += 160) {
    ear.write({ samples: line.subarray(at, at + 160), rate: 8000 })
    if (at % 1600 === 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  await ear.close()
  return events
}

test('what the offline voice says, the offline transcriber reads back over a telephone line', async (t) => {
  const sounds = await Promise.all(prompts.map((text) => spoken(text, 'rms')))
  const finals = finalsOf(await heard(sounds))
  t.is(finals.length, prompts.length, JSON.stringify(finals))
  const exact = prompts.filter((text, index) => words(text) === words(finals[index]!.text))
  t.true(exact.length >= 5, JSON.stringify(finals.map(({ text }) => text)))
})

test.serial(
  'an utterance has a start, interim texts if they are asked for, and a final one, with their times',
  async (t) => {
    const sound = await spoken('Please leave a message after the tone. We will call you back as soon as we can.', 'rms')
    const events = await heard([sound], { interim: true }, house.stt(), 150)
    const types = events.map(({ type }) => type)
    t.is(types[0], 'start')
    t.is(types.at(-1), 'final')
    t.true(types.includes('interim'), types.join())
    const last = events.at(-1) as SttEvent & { end_ms: number }
    t.true(Math.abs(last.start_ms - 800) < 400, `starts at ${last.start_ms}`)
    t.true(Math.abs(last.end_ms - 800 - milliseconds(sound)) < 600, `ends at ${last.end_ms} of ${milliseconds(sound)}`)
  },
)

test('silence and a hum are no speech', async (t) => {
  const samples = Int16Array.from({ length: 24_000 }, (_, index) => 3000 * Math.sin(index / 25))
  const events = await heard([silence(8000, 2000), { samples, rate: 8000 }])
  t.deepEqual(
    finalsOf(events).filter(({ text }) => text !== ''),
    [],
  )
})

test('every voice speaks, each in its own way', async (t) => {
  const all = await Promise.all(['slt', 'rms', 'awb', 'kal', 'kal16'].map((name) => spoken('Hello.', name)))
  t.true(all.every((sound) => milliseconds(sound) > 300 && loudness(sound) > 100))
  t.is(new Set(all.map(({ samples }) => samples.length)).size, all.length)
})

test('text in other letters is spoken as far as English goes, and nothing is said to be nothing', async (t) => {
  t.true(milliseconds(await spoken('Grüße, <b>café</b> “now” 😀 -o /tmp/x')) > 1000)
  for (const text of ['', ' ', '你好', '😀']) await t.throwsAsync(spoken(text), { message: /nothing to say/ })
})

test('an unknown voice, language or provider is refused in words', async (t) => {
  const { tts, stt } = { tts: house.tts(), stt: house.stt() }
  t.throws(() => tts.check({ voice: 'bob' }), { message: /has the voices slt/ })
  t.throws(() => tts.check({ language: 'de-DE' }), { message: /English only/ })
  t.throws(() => stt.check({ language: 'de-DE' }), { message: /English only/ })
  t.notThrows(() => tts.check({ voice: 'slt', language: 'en-US' }))
  t.throws(() => house.tts('gcp'), { message: /use one of flite, openai/ })
  t.throws(() => house.stt('constructor'), { message: /use one of moonshine, openai/ })
})

test('without the models the voice speaks, and the transcriber says how to get them', async (t) => {
  const empty = await folder(t)
  for (const models of ['', empty, join(empty, 'gone')]) {
    await t.throwsAsync(heard([], {}, voice(t, { modelsFolder: models }).stt()), {
      message: /run: npm run models/,
      name: 'HashdialError',
    })
  }
  await writeFile(join(empty, 'silero_vad_v5.onnx'), 'damaged')
  await t.throwsAsync(heard([], {}, voice(t, { modelsFolder: empty }).stt()), { message: /run: npm run models/ })
  t.true(milliseconds(await spoken('Hello.')) > 300)
})

test('an abort ends speaking at once, and what comes after is spoken', async (t) => {
  const tts = house.tts()
  const own = new AbortController()
  const got: Pcm[] = []
  const error = await t.throwsAsync(async () => {
    const text = 'This is one sentence of many. '.repeat(30)
    for await (const piece of tts.synthesize(text, { signal: own.signal })) {
      got.push(piece)
      own.abort(new Error('the caller hung up'))
    }
  })
  t.is(error.message, 'the caller hung up')
  t.is(got.length, 1)
  await t.throwsAsync(collect(tts.synthesize('Hello.', { signal: own.signal })), { message: 'the caller hung up' })
  t.true(milliseconds(await collect(tts.synthesize('Hello.', { signal: never() }))) > 300)
})

test('an abort ends listening: nothing is told after it', async (t) => {
  const own = new AbortController()
  const sound = byTelephone(await spoken(prompts[1]!, 'rms'))
  const events: SttEvent[] = []
  const stt = house.stt()
  const ear = await stt.listen((event) => events.push(event), { signal: own.signal })
  ear.write(sound)
  ear.write(silence(8000, 1500))
  own.abort(new Error('hung up'))
  ear.write(sound)
  await ear.close()
  t.deepEqual(events, [])
})

test('several speak and listen at once without mixing up', async (t) => {
  const texts = prompts.slice(0, 4)
  const all = await Promise.all(texts.map(async (text) => heard([await spoken(text, 'rms')])))
  const found = all.map((events) => finalsOf(events).map(({ text }) => words(text)))
  t.true(
    found.every((finals) => finals.length === 1),
    JSON.stringify(found),
  )
  t.is(new Set(found.flat()).size, texts.length)
})

test.serial(
  'a crash of the process that detects speech, or of the one that understands it, costs one utterance',
  async (t) => {
    const own = voice(t, { modelsFolder })
    const before = children()
    const events: SttEvent[] = []
    const ear = await own.stt().listen((event) => events.push(event), { signal: never() })
    const sound = byTelephone(await spoken(prompts[1]!, 'rms'))
    const say = async () => {
      const count = () => events.filter(({ type }) => type === 'final' || type === 'error').length
      const told = count()
      for (const piece of [sound, silence(8000, 1500)]) ear.write(piece)
      for (let tries = 0; count() === told && tries < 400; tries++)
        await new Promise((resolve) => setTimeout(resolve, 25))
    }
    await say()
    await new Promise((resolve) => setTimeout(resolve, 2000)) // a process that ends at once is not started again
    for (const pid of children().filter((one) => !before.includes(one))) process.kill(pid, 'SIGSEGV')
    await new Promise((resolve) => setTimeout(resolve, 500))
    await say()
    await ear.close()
    t.deepEqual(
      finalsOf(events).map(({ text }) => words(text)),
      [words(prompts[1]!), words(prompts[1]!)],
    )
    t.true(finalsOf(events)[1]!.start_ms > finalsOf(events)[0]!.end_ms)
  },
)

test.serial('speech holds the event loop up no more than idling does, far less than the speech takes', async (t) => {
  const tts = house.tts()
  await collect(tts.synthesize('Hello.', { signal: never() })) // the process is up
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const began = performance.now()
  await collect(tts.synthesize(prompts.join(' ').repeat(4), { voice: 'awb', signal: never() }))
  const took = performance.now() - began
  delay.disable()
  const longest = delay.max / 1e6
  t.log(`spoken in ${Math.round(took)} ms; the event loop was held up by ${longest.toFixed(1)} ms at most`)
  t.true(longest < took / 4, `${longest} ms of ${took} ms`)
})
