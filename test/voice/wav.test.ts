import test from 'ava'
import { toMulaw } from '../../src/voice/mulaw.ts'
import { toBytes } from '../../src/voice/pcm.ts'
import { alaw, chunk, extensible, file, isTone, noise, packed, sound, u16, u32 } from './files.ts'
import { tone } from './support.ts'

const { samples } = tone(1000, 8000)

test('the sound of every usual kind of sample is heard', async (t) => {
  const stereo = tone(1000, 44_100).samples
  const kinds: Record<string, Buffer> = {
    '8 bits': file(
      packed(samples, 1, (to, sample, at) => to.writeUInt8((sample >> 8) + 128, at)),
      { bits: 8 },
    ),
    '24 bits': file(
      packed(samples, 3, (to, sample, at) => to.writeIntLE(sample << 8, at, 3)),
      { bits: 24 },
    ),
    '20 bits in 3 bytes': file(
      packed(samples, 3, (to, sample, at) => to.writeIntLE(sample << 8, at, 3)),
      { bits: 20 },
    ),
    '24 bits in 4 bytes': file(
      packed(samples, 4, (to, sample, at) => to.writeInt32LE(sample << 16, at)),
      { bits: 24, block: 4 },
    ),
    '32 bits': file(
      packed(samples, 4, (to, sample, at) => to.writeInt32LE(sample << 16, at)),
      { bits: 32 },
    ),
    float: file(
      packed(samples, 4, (to, sample, at) => to.writeFloatLE(sample / 32_768, at)),
      { code: 3, bits: 32 },
    ),
    'float of 64 bits': file(
      packed(samples, 8, (to, sample, at) => to.writeDoubleLE(sample / 32_768, at)),
      { code: 3, bits: 64 },
    ),
    'µ-law': file(Buffer.from(toMulaw(samples)), { code: 7, bits: 8, more: u16(0) }),
    'A-law': file(
      packed(samples, 1, (to, sample, at) => to.writeUInt8(alaw(sample), at)),
      { code: 6, bits: 8, more: u16(0) },
    ),
    extensible: file(toBytes(samples), { code: 0xfffe, more: extensible(1, 16) }),
    'extensible float': file(
      packed(samples, 4, (to, sample, at) => to.writeFloatLE(sample / 32_768, at)),
      { code: 0xfffe, bits: 32, more: extensible(3, 32) },
    ),
    'extensible µ-law, stereo': file(
      Buffer.from(toMulaw(Int16Array.from({ length: 16_000 }, (_, index) => samples[index >> 1]!))),
      { code: 0xfffe, bits: 8, channels: 2, more: extensible(7, 8) },
    ),
    'stereo of 44.1 kHz': file(toBytes(Int16Array.from({ length: 88_200 }, (_, index) => stereo[index >> 1]!)), {
      rate: 44_100,
      channels: 2,
    }),
    'six channels': file(toBytes(Int16Array.from({ length: 48_000 }, (_, index) => samples[Math.floor(index / 6)]!)), {
      channels: 6,
    }),
    ...Object.fromEntries(
      [6_000, 11_025, 32_001, 96_000].map((rate) => [`${rate} Hz`, file(toBytes(tone(1000, rate).samples), { rate })]),
    ),
  }
  for (const [what, bytes] of Object.entries(kinds)) isTone(t, await sound(bytes), what)
})

test('what stands around the sound of a WAV file is not heard', async (t) => {
  const data = toBytes(samples)
  const after = ['LIST', 'id3 ', 'bext', 'XXXX'].map((name) => chunk(name, noise))
  isTone(t, await sound(file(data, {}, after)), 'chunks after it')
  const odd = file(data.subarray(0, 15_999), { bits: 8 }, [chunk('LIST', noise)])
  t.is((await sound(odd)).samples.length, 15_999, 'sound of an odd size is padded')
  const plain = file(data)
  const before = Buffer.concat([
    plain.subarray(0, 12),
    chunk('bext', noise),
    chunk('JUNK', noise.subarray(1)),
    plain.subarray(12),
  ])
  isTone(t, await sound(before), 'chunks before it')
  isTone(t, await sound(Buffer.concat([plain, noise])), 'bytes after the file')
})

test('a WAV file that was streamed or cut off plays to its end', async (t) => {
  const data = toBytes(samples)
  const plain = file(data)
  for (const [riff, size] of [
    [0, 0],
    [36, 0],
    [plain.length - 8, 0],
    [0xffffffff, 0xffffffff],
    [0x7ffff024, 0x7ffff000],
    [plain.length - 8, 0x80000000],
  ]) {
    const streamed = Buffer.from(plain)
    streamed.writeUInt32LE(riff!, 4)
    streamed.writeUInt32LE(size!, 40)
    isTone(t, await sound(streamed), `the sizes ${riff} and ${size}`)
  }
  const cut = await sound(plain.subarray(0, plain.length - 4001))
  isTone(t, cut, 'a cut file', 1000, 0.75)
  const big = Buffer.from(plain)
  big.write('RF64')
  big.writeUInt32LE(0xffffffff, 40)
  const ds64 = chunk('ds64', Buffer.concat([u32(0), u32(0), u32(data.length), u32(0), Buffer.alloc(12)]))
  isTone(t, await sound(Buffer.concat([big.subarray(0, 12), ds64, big.subarray(12), chunk('LIST', noise)])), 'RF64')
  const turned = file(Buffer.from(data).swap16())
  turned.write('RIFX')
  for (const [at, size] of [
    [4, 4],
    [16, 4],
    [20, 2],
    [22, 2],
    [24, 4],
    [28, 4],
    [32, 2],
    [34, 2],
    [40, 4],
  ] as const)
    turned.subarray(at, at + size).reverse()
  isTone(t, await sound(turned), 'RIFX')
})
