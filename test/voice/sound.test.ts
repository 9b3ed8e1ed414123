import test from 'ava'
import { fromMulaw, toMulaw } from '../../src/voice/mulaw.ts'
import { collect, fromBytes, join, toBytes } from '../../src/voice/pcm.ts'
import { resample, Resampler } from '../../src/voice/resample.ts'
import { sentences } from '../../src/voice/sentences.ts'
import { readWav, wav } from '../../src/voice/wav.ts'
import { loudness, share } from '../support/tone.ts'
import { tone } from './support.ts'

const changes = [
  [16_000, 8000],
  [8000, 16_000],
  [24_000, 8000],
  [8000, 24_000],
  [24_000, 16_000],
  [22_050, 8000],
  [48_000, 8000],
] as const

test('a tone keeps its pitch, loudness and length at another rate', (t) => {
  for (const [from, to] of changes) {
    const changed = resample(tone(1000, from), to)
    const [expected, inner] = [tone(1000, to), { rate: to, samples: changed.samples.slice(400, -400) }]
    t.is(changed.samples.length, expected.samples.length, `${from} to ${to}`)
    t.true(share(inner, 1000) > 0.99, `${from} to ${to}`)
    t.true(Math.abs(loudness(inner) - loudness(expected)) < 50, `${from} to ${to}`)
  }
})

test('what the lower rate cannot carry is left out, and does not come back as another tone', (t) => {
  for (const [from, to] of changes.filter(([high, low]) => low < high)) {
    const { samples } = resample(tone(to * 0.58, from), to)
    t.true(loudness({ rate: to, samples: samples.slice(400, -400) }) < 10, `${from} to ${to}`)
  }
})

test('sound in pieces of any length becomes the same sound as in one', (t) => {
  const whole = tone(700, 22_050).samples
  for (const size of [1, 7, 333, 5000]) {
    const resampler = new Resampler(22_050, 8000)
    const pieces: Int16Array[] = []
    for (let at = 0; at < whole.length; at += size) pieces.push(resampler.write(whole.subarray(at, at + size)))
    pieces.push(resampler.end())
    t.deepEqual(join(pieces), resample({ samples: whole, rate: 22_050 }, 8000).samples, `pieces of ${size}`)
  }
})

test('µ-law is that of G.711', (t) => {
  // ITU-T G.711: the ends of the scale, and what a zero is.
  t.deepEqual([...fromMulaw(Uint8Array.from([0x00, 0x80, 0x7f, 0xff]))], [-32_124, 32_124, 0, 0])
  t.deepEqual([...toMulaw(Int16Array.from([0, 32_767, -32_768]))], [0xff, 0x80, 0x00])
  const every = Uint8Array.from({ length: 256 }, (_, code) => code)
  t.deepEqual(
    [...toMulaw(fromMulaw(every))].filter((code, index) => code !== index),
    [0xff],
    'but minus zero',
  )
})

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

test('a WAV file is read back, however it is cut on its way', async (t) => {
  const sound = tone(440, 24_000, 0.1)
  for (const size of [1, 3, 44, 45, 4096]) t.deepEqual(await collect(readWav(cut(wav(sound), size))), sound)
})

test('a WAV file that is streamed with a wrong length, other chunks and two channels is understood', async (t) => {
  const { samples } = tone(440, 22_050, 0.1)
  const stereo = Int16Array.from({ length: samples.length * 2 }, (_, index) => samples[index >> 1]!)
  const plain = wav({ samples: stereo, rate: 22_050 })
  plain.writeUInt16LE(2, 22)
  plain.writeUInt32LE(0xffffffff, 40)
  const list = Buffer.from('LIST\x05\0\0\0abcde\0', 'latin1')
  const file = Buffer.concat([plain.subarray(0, 36), list, plain.subarray(36)])
  t.deepEqual(await collect(readWav(cut(file, 10))), { samples, rate: 22_050 })
})

test('what is not a WAV file of 16 bits is refused in words', async (t) => {
  const mulaw = wav(tone(440, 8000, 0.1))
  mulaw.writeUInt16LE(7, 20)
  await t.throwsAsync(collect(readWav(cut(mulaw, 100))), { message: /format 7/ })
  await t.throwsAsync(collect(readWav(cut(Buffer.from('<html>this is no sound</html>'), 5))), { message: /not a WAV/ })
  await t.throwsAsync(collect(readWav(cut(Buffer.from('RIFF'), 5))), { message: /ends before its sound/ })
  await t.throwsAsync(collect(readWav(cut(Buffer.concat([mulaw.subarray(0, 12), Buffer.alloc(70_000, 'x')]), 1000))), {
    message: /not a WAV|ends before/,
  })
})

test('bytes become samples from an odd address too', (t) => {
  const bytes = Buffer.concat([Buffer.from([9]), toBytes(Int16Array.from([1, -2, 3]))]).subarray(1)
  t.deepEqual([...fromBytes(bytes)], [1, -2, 3])
})

test('text is spoken sentence by sentence, and a sentence without an end in pieces', (t) => {
  t.deepEqual(sentences('Hello there.  How are you?\nFine!'), ['Hello there.', 'How are you?', 'Fine!'])
  t.deepEqual(sentences(' \n '), [])
  const long = `${'word '.repeat(100)}, and ${'x'.repeat(600)}`
  t.true(sentences(long).every((piece) => piece.length <= 240))
  t.is(sentences(long).join('').replaceAll(' ', ''), long.replaceAll(' ', ''))
})
