import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { lastSeconds, loudness, readWav, share, tonesHeard, type Sound } from './tone.ts'

const rate = 8000

function tones(frequencies: readonly number[], seconds = 0.5, amplitude = 8000): Sound {
  const samples = Int16Array.from({ length: rate * seconds }, (_, i) =>
    frequencies.reduce((sum, frequency) => sum + amplitude * Math.sin((2 * Math.PI * frequency * i) / rate), 0),
  )
  return { rate, samples }
}

test('a tone alone has all of the energy, and a neighbour 30 Hz away none', (t) => {
  t.true(share(tones([440]), 440) > 0.99)
  t.true(share(tones([440]), 470) < 0.01)
})

test('a tone that does not fit the window is found all the same', (t) => {
  t.true(share(tones([443.7]), 443.7) > 0.98)
})

test('two tones as loud have half of the energy each', (t) => {
  const sound = tones([440, 1330])
  t.true(Math.abs(share(sound, 440) - 0.5) < 0.02)
  t.true(Math.abs(share(sound, 1330) - 0.5) < 0.02)
  t.deepEqual(tonesHeard(sound, [440, 620, 1330]), [440, 1330])
})

test('noise and silence are no tone', (t) => {
  let seed = 1
  const noise = Int16Array.from({ length: 4000 }, () => ((seed = (seed * 16807) % 2147483647) % 16000) - 8000)
  t.true(share({ rate, samples: noise }, 440) < 0.05)
  t.is(share({ rate, samples: new Int16Array(4000) }, 440), 0)
  t.deepEqual(tonesHeard(tones([440], 0.5, 20), [440]), [])
})

test('loudness is 0 for silence and the root mean square for a tone', (t) => {
  t.is(loudness({ rate, samples: new Int16Array(100) }), 0)
  t.is(loudness({ rate, samples: new Int16Array(0) }), 0)
  t.true(Math.abs(loudness(tones([440])) - 8000 / Math.SQRT2) < 60)
})

test('the last part of a sound is what was heard last', (t) => {
  const sound = { rate, samples: Int16Array.from([...tones([440]).samples, ...tones([1330]).samples]) }
  t.deepEqual(tonesHeard(lastSeconds(sound, 0.5), [440, 1330]), [1330])
  t.is(lastSeconds(sound, 60).samples.length, sound.samples.length)
})

test('a WAV file that is still being written is read as far as it goes', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tone-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const { samples } = tones([440])
  const header = Buffer.alloc(44)
  header.write('RIFF\0\0\0\0WAVEfmt ', 0, 'latin1')
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(rate, 24)
  header.writeUInt16LE(16, 34)
  header.write('data\0\0\0\0', 36, 'latin1')
  const file = join(folder, 'heard.wav')
  writeFileSync(file, Buffer.concat([header, Buffer.from(samples.buffer), Buffer.from([1])]))
  t.deepEqual(readWav(file), { rate, samples })
  t.is(readWav(join(folder, 'none.wav')).samples.length, 0)
})
