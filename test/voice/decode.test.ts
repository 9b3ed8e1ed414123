import { readFileSync } from 'node:fs'
import test from 'ava'
import { createMp3Encoder, createOggEncoder } from 'wasm-media-encoders'
import { sniff } from '../../src/voice/sniff.ts'
import { wav, WavError } from '../../src/voice/wav.ts'
import { chunk, file, isTone, noise, sound } from './files.ts'
import { tone } from './support.ts'

test('MP3, Ogg and FLAC are heard, whatever they are called', async (t) => {
  const mp3 = await encoded('mp3', 44_100)
  isTone(t, await sound(mp3), 'MP3')
  const picture = Buffer.concat([
    Buffer.from('ID3\x04\0\0\0\x02\x38\x40', 'latin1'),
    noise.subarray(0, 2 * 16_384 + 0x38 * 128 + 0x40),
  ])
  isTone(t, await sound(Buffer.concat([picture, mp3])), 'MP3 with a picture')
  isTone(t, await sound(Buffer.concat([mp3, Buffer.from('TAG'.padEnd(128))])), 'MP3 with a tag after it')
  isTone(t, await sound(mp3.subarray(100)), 'MP3 cut anywhere')
  isTone(t, await sound(await encoded('mp3', 16_000)), 'MP3 of 16 kHz')
  isTone(t, await sound(await encoded('ogg', 44_100)), 'Ogg Vorbis')
  for (const name of ['tone.opus', 'tone.flac'])
    isTone(t, await sound(readFileSync(new URL(`sounds/${name}`, import.meta.url))), name)
})

async function encoded(type: 'mp3' | 'ogg', sampleRate: number): Promise<Buffer> {
  const floats = Float32Array.from(tone(1000, sampleRate).samples, (sample) => sample / 32_768)
  const encoder = await (type === 'mp3' ? createMp3Encoder() : createOggEncoder())
  encoder.configure({ sampleRate, channels: 1, ...(type === 'mp3' && { bitrate: 64 }) })
  const parts = [Buffer.from(encoder.encode([floats]))]
  return Buffer.concat([...parts, Buffer.from(encoder.finalize())])
}

test('what cannot be played is refused in words', async (t) => {
  const cases: [Buffer | string, RegExp][] = [
    ['', /but an empty file/],
    ['<!DOCTYPE html><p>', /not a WAV file, nor MP3.*an HTML page/],
    ['{"error":1}', /JSON/],
    ['\0\0\0\x20ftypM4A ', /M4A/],
    ['FORM\0\0\0\0AIFF', /AIFF/],
    ['#!AMR\n', /AMR/],
    ['OggS' + '\0'.repeat(24) + 'Speex   ', /neither Vorbis nor Opus/],
    [noise, /something else/],
    [Buffer.alloc(40_000, 0xff), /something else/],
    ['RIFF\0\0\0\0AVI ', /something else/],
    [file(noise, { code: 0x11, bits: 4 }), /format 17 \(IMA ADPCM\)/],
    [file(noise, { code: 0x31, bits: 0 }), /GSM/],
    [file(noise, { channels: 0 }), /0 channels/],
    [file(noise, { channels: 60_000, block: 2 }), /60000 channels/],
    [file(noise, { rate: 0 }), /0 Hz/],
    [file(noise, { rate: 4_000_000_000 }), /4000000000 Hz/],
    [file(noise, { bits: 64 }), /64 bits/],
    [file(Buffer.alloc(0), {}, [chunk('LIST', noise)]), /ends before its sound/],
    [file(Buffer.alloc(0)), /no sound in the WAV file/],
    [file(noise).subarray(0, 30), /ends before its sound/],
    [Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVE'), chunk('data', noise)]), /without a format/],
    ['OggS' + '\0'.repeat(24) + '\x01vorbis' + 'x'.repeat(500), /no sound in the Ogg Vorbis/],
    ['fLaC' + 'x'.repeat(500), /no sound in the FLAC/],
    ['ID3\x04\0\0\0\0\0\0', /something else/],
  ]
  for (const [bytes, why] of cases) {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    const error = await t.throwsAsync(sound(buffer), undefined, String(why))
    t.regex(error.message, why)
  }
})

test('no bytes at all make a decoder stand still', async (t) => {
  const good = [await encoded('mp3', 16_000), await encoded('ogg', 44_100), wav(tone(1000, 8000, 0.2))]
  good.push(readFileSync(new URL('sounds/tone.opus', import.meta.url)))
  let state = 1
  const random = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below
  for (const bytes of good) {
    for (let round = 0; round < 8; round++) {
      const broken = Buffer.from(bytes.subarray(0, 1 + random(bytes.length)))
      for (let count = 0; count < 20; count++) broken[random(broken.length)] = random(256)
      await sound(broken).catch((error: unknown) => t.true(error instanceof WavError, String(error)))
    }
  }
  t.like(sniff(good[0]!), { type: 'mp3' })
})
