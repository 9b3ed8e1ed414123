import { mkdir, readFile, readdir, writeFile, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { readWav as readFileAsWav } from '../support/tone.ts'
import type { Pcm } from '../../src/voice/pcm.ts'
import { Prompts } from '../../src/voice/prompts.ts'
import { folder, never, tone } from './support.ts'

const hello = { provider: 'flite', text: 'Hello.' }
async function* sound(seconds = 0.5): AsyncGenerator<Pcm> {
  yield tone(440, 16_000, seconds / 2)
  yield tone(440, 16_000, seconds / 2)
}

test('a prompt is made once, and is there at 8 and at 16 kHz', async (t) => {
  const prompts = await Prompts.open({ folder: await folder(t), bytes: 1e6 })
  let made = 0
  const make = () => (made++, sound())
  const first = await prompts.get(hello, make, never())
  const second = await prompts.get({ ...hello, voice: '', language: undefined }, make, never())
  t.deepEqual(second, first)
  t.is(made, 1)
  t.is(first.milliseconds, 500)
  for (const [type, rate] of [
    ['wav', 8000],
    ['wav16', 16_000],
  ] as const) {
    const file = readFileAsWav((await prompts.find(first.key, type))!)
    t.is(file.rate, rate)
    t.is(file.samples.length, rate / 2)
  }
})

test('another text, voice, language or provider is another prompt, and its name cannot be guessed', async (t) => {
  const [one, other] = [
    await Prompts.open({ folder: await folder(t), bytes: 1e6 }),
    await Prompts.open({ folder: await folder(t), bytes: 1e6 }),
  ]
  const all = [hello, { ...hello, text: 'Bye.' }, { ...hello, voice: 'rms' }, { ...hello, language: 'en' }]
  const keys = await Promise.all(
    [...all, { ...hello, provider: 'openai' }].map(
      async (spoken) => (await one.get(spoken, () => sound(), never())).key,
    ),
  )
  t.is(new Set(keys).size, 5)
  t.true(keys.every((key) => /^[0-9a-f]{64}$/.test(key)))
  t.not((await other.get(hello, () => sound(), never())).key, keys[0], 'each installation has a secret of its own')
})

test('who wants the same prompt at the same time gets the same work', async (t) => {
  const prompts = await Prompts.open({ folder: await folder(t), bytes: 1e6 })
  let made = 0
  const all = await Promise.all(Array.from({ length: 20 }, () => prompts.get(hello, () => (made++, sound()), never())))
  t.is(made, 1)
  t.is(new Set(all.map(({ key }) => key)).size, 1)
})

test('one who hangs up does not take the prompt from the others, and the last one ends the work', async (t) => {
  const prompts = await Prompts.open({ folder: await folder(t), bytes: 1e6 })
  let go: () => void = () => undefined
  const gate = new Promise<void>((resolve) => (go = resolve))
  let begin: () => void = () => undefined
  const begun = new Promise<void>((resolve) => (begin = resolve))
  async function* slow() {
    begin()
    await gate
    yield* sound()
  }
  const [one, two] = [new AbortController(), new AbortController()]
  const first = prompts.get(hello, slow, one.signal)
  const second = prompts.get(hello, slow, two.signal)
  await begun
  one.abort(new Error('hung up'))
  await t.throwsAsync(first, { message: 'hung up' })
  go()
  t.is((await second).milliseconds, 500)

  const own = new AbortController()
  let ended = false
  const endless = async function* (signal: AbortSignal): AsyncGenerator<Pcm> {
    signal.addEventListener('abort', () => (ended = true))
    own.abort(new Error('hung up'))
    yield tone(440, 8000)
    signal.throwIfAborted()
  }
  await t.throwsAsync(prompts.get({ ...hello, text: 'slow' }, endless, own.signal), { message: 'hung up' })
  t.true(ended)
  t.is((await prompts.get({ ...hello, text: 'slow' }, () => sound(), never())).milliseconds, 500)
})

test('what goes wrong is told, leaves nothing behind, and is tried again', async (t) => {
  const place = await folder(t)
  const prompts = await Prompts.open({ folder: place, bytes: 1e6, longestSeconds: 2 })
  const bad = async function* (): AsyncGenerator<Pcm> {
    yield tone(440, 8000)
    throw new Error('the server is down')
  }
  const nothing = async function* (): AsyncGenerator<Pcm> {}
  await t.throwsAsync(prompts.get(hello, bad, never()), { message: 'the server is down' })
  await t.throwsAsync(prompts.get(hello, nothing, never()), { message: /empty/ })
  await t.throwsAsync(
    prompts.get(hello, () => sound(5), never()),
    { message: /may last 2 s/ },
  )
  t.deepEqual(await readdir(place), ['secret'])
  t.is((await prompts.get(hello, () => sound(), never())).milliseconds, 500)
})

test('the folder stays within its size: what was not used for the longest time goes', async (t) => {
  const place = await folder(t)
  const one = 2 * 44 + 8000 + 16_000 // half a second in both files
  const prompts = await Prompts.open({ folder: place, bytes: 3 * one, graceSeconds: 0 })
  const get = async (text: string) => (await prompts.get({ ...hello, text }, () => sound(), never())).key
  const pause = () => new Promise((resolve) => setTimeout(resolve, 5)) // so that the times of use differ
  const keys: string[] = []
  for (const text of ['a', 'b', 'c']) {
    keys.push(await get(text))
    await pause()
  }
  t.is(prompts.bytes, 3 * one)
  await get('a')
  await pause()
  keys.push(await get('d'))
  t.is(prompts.bytes, 3 * one)
  const there = await Promise.all(keys.map(async (key) => (await prompts.find(key, 'wav')) !== undefined))
  t.deepEqual(there, [true, false, true, true])
  t.is((await readdir(place)).length, 7)
})

test('a prompt that was used a moment ago stays, for an Asterisk may be about to fetch it', async (t) => {
  const prompts = await Prompts.open({ folder: await folder(t), bytes: 1, graceSeconds: 60 })
  const { key } = await prompts.get(hello, () => sound(), never())
  t.truthy(await prompts.find(key, 'wav'))
})

test('prompts outlive a restart, in their order, and half ones do not', async (t) => {
  const place = await folder(t)
  const before = await Prompts.open({ folder: place, bytes: 1e6 })
  const { key } = await before.get(hello, () => sound(), never())
  const half = 'ab'.repeat(32)
  await writeFile(join(place, `${half}.wav`), 'half')
  await writeFile(join(place, 'old.unfinished'), 'half')
  await utimes(join(place, 'old.unfinished'), 1, 1)
  const after = await Prompts.open({ folder: place, bytes: 1e6 })
  t.is(after.bytes, before.bytes)
  t.is((await after.get(hello, () => t.fail('it is there'), never())).key, key)
  t.is(await after.find(half, 'wav'), undefined)
  t.false((await readdir(place)).includes('old.unfinished'))
})

test('two processes that share a folder share their prompts', async (t) => {
  const place = await folder(t)
  const [one, two] = await Promise.all([1, 2].map(() => Prompts.open({ folder: place, bytes: 1e6 })))
  const { key } = await one!.get(hello, () => sound(), never())
  t.truthy(await two!.find(key, 'wav'))
  t.is((await two!.get(hello, () => t.fail('it is there'), never())).key, key)
})

test('only the name of a prompt leads to a file', async (t) => {
  const place = await folder(t)
  await mkdir(join(place, 'p'))
  await writeFile(join(place, 'x.wav'), 'x')
  const prompts = await Prompts.open({ folder: join(place, 'p'), bytes: 1e6 })
  for (const key of ['', '../x', 'secret', '..%2fx', 'A'.repeat(64), `${'a'.repeat(64)}/../secret`]) {
    t.is(await prompts.find(key, 'wav'), undefined, key)
  }
  t.is((await readFile(join(place, 'p/secret'))).length, 64)
})
