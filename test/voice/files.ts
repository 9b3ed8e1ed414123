import { decode } from '../../src/voice/decode.ts'
import { collect, type Pcm } from '../../src/voice/pcm.ts'
import { loudness, share } from '../support/tone.ts'

export const u16 = (value: number) => Buffer.from([value & 0xff, value >> 8])
export const u32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer)
export const chunk = (name: string, body: Buffer, size = body.length) =>
  Buffer.concat([Buffer.from(name), u32(size), body, Buffer.alloc(body.length % 2)])
export const noise = Buffer.from(Array.from({ length: 40_000 }, (_, index) => (index * 2_654_435_761) >>> 24))

export interface Shape {
  code?: number
  bits?: number
  rate?: number
  channels?: number
  block?: number
  /** More of the fmt chunk. */
  more?: Buffer
}

/** A WAV file of any format. */
export function file(
  data: Buffer,
  { code = 1, bits = 16, rate = 8000, channels = 1, block, more }: Shape = {},
  after: Buffer[] = [],
) {
  const align = block ?? channels * Math.ceil(bits / 8)
  const format = [
    u16(code),
    u16(channels),
    u32(rate),
    u32(rate * align),
    u16(align),
    u16(bits),
    more ?? Buffer.alloc(0),
  ]
  const all = [Buffer.from('WAVE'), chunk('fmt ', Buffer.concat(format)), chunk('data', data), ...after]
  return chunk('RIFF', Buffer.concat(all))
}

/** Each sample in so many bytes. */
export const packed = (
  samples: ArrayLike<number>,
  bytes: number,
  write: (to: Buffer, sample: number, at: number) => void,
) => {
  const all = Buffer.alloc(samples.length * bytes)
  for (let index = 0; index < samples.length; index++) write(all, samples[index]!, index * bytes)
  return all
}

export const sound = (bytes: Buffer): Promise<Pcm> => collect(decode(bytes))

/** A tone, and nothing else, as loud and as long as the one it was made from. */
export function isTone(
  t: { true(value: boolean, message?: string): void },
  heard: Pcm,
  what: string,
  frequency = 1000,
  seconds = 1,
) {
  const inner = { rate: heard.rate, samples: heard.samples.slice(heard.rate / 10, -heard.rate / 10) }
  t.true(share(inner, frequency) > 0.98, `${what}: ${share(inner, frequency)} of it is the tone`)
  t.true(Math.abs(loudness(inner) - 7071) < 500, `${what} is ${loudness(inner)} loud`)
  const longer = heard.samples.length / heard.rate - seconds
  t.true(longer > -0.01 && longer < 0.1, `${what} is ${longer} s longer`)
}

export const extensible = (code: number, bits: number) =>
  Buffer.concat([u16(22), u16(bits), u32(4), u16(code), Buffer.from('000000001000800000aa00389b71', 'hex')])
/** G.711, table 1: 12 bits of magnitude become a sign, an exponent and four bits, and every other bit is turned. */
export function alaw(sample: number): number {
  const magnitude = (sample >= 0 ? sample : ~sample) >> 4
  const exponent = Math.max(0, 31 - Math.clz32(magnitude) - 3)
  const mantissa = magnitude >> Math.max(0, exponent - 1)
  return ((sample >= 0 ? 0x80 : 0) | (exponent << 4) | (mantissa & 0x0f)) ^ 0x55
}
