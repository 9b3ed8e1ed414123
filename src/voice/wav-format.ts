import { fromAlaw } from './alaw.ts'
import { fromMulaw } from './mulaw.ts'
import { fromBytes } from './pcm.ts'

/** What is wrong with the sound that somebody sent. */
export class WavError extends Error {
  override name = 'WavError'
}

/** How the samples of a WAV file are written, from its `fmt ` chunk. */
export interface WavFormat {
  code: number
  channels: number
  rate: number
  /** Of one sample of one channel. */
  bytes: number
  bigEndian: boolean
}

const codes = { pcm: 1, float: 3, alaw: 6, mulaw: 7, extensible: 0xfffe } as const

/** Those that are met, so that who sent one knows what it is. */
const names: Readonly<Record<number, string>> = {
  ...{ 0x02: 'Microsoft ADPCM', 0x11: 'IMA ADPCM', 0x31: 'GSM 06.10', 0x40: 'G.721', 0x45: 'G.726', 0x50: 'MPEG' },
  ...{ 0x55: 'MP3', 0x161: 'WMA', 0xff: 'AAC' },
}

const most = { channels: 32, rate: 384_000 }
const leastRate = 1_000

export function readFormat(chunk: Buffer, bigEndian: boolean): WavFormat {
  const short = (at: number) => (bigEndian ? chunk.readUInt16BE(at) : chunk.readUInt16LE(at))
  const [written, channels, block, bits] = [short(0), short(2), short(12), short(14)]
  const rate = bigEndian ? chunk.readUInt32BE(4) : chunk.readUInt32LE(4)
  // An extensible one has its code at the beginning of a GUID; without it, it is plain PCM that got the wrong code.
  const code = written !== codes.extensible ? written : chunk.length >= 26 ? short(24) : codes.pcm
  const bytes = bytesOf(code, bits, block / channels)
  const fits = channels >= 1 && channels <= most.channels && rate >= leastRate && rate <= most.rate
  if (bytes !== undefined && fits) return { code, channels, rate, bytes, bigEndian }
  const name = names[code] ? ` (${names[code]})` : ''
  const what = `it is a WAV file of format ${code}${name}, ${bits} bits, ${channels} channels, ${rate} Hz`
  throw new WavError(`${what}; PCM of 8 to 32 bits, float, A-law and µ-law can be played`)
}

/** A sample may lie in more bytes than it has bits for: 20 bits in 3 or in 4. */
function bytesOf(code: number, bits: number, wide: number): number | undefined {
  const needed = Math.ceil(bits / 8)
  if (code === codes.alaw || code === codes.mulaw) return bits === 8 ? 1 : undefined
  if (code === codes.float) return bits === 32 || bits === 64 ? needed : undefined
  if (code !== codes.pcm || needed < 1 || needed > 4) return undefined
  return Number.isInteger(wide) && wide >= needed && wide <= 4 ? wide : needed
}

/** Whole frames as the samples of one channel: the others are mixed into it. */
export function toSamples(frames: Buffer, format: WavFormat): Int16Array {
  const { code, channels, bytes, bigEndian } = format
  if (code === codes.mulaw) return mixed(fromMulaw(frames), channels)
  if (code === codes.alaw) return mixed(fromAlaw(frames), channels)
  if (code === codes.pcm && bytes === 2 && !bigEndian) return mixed(fromBytes(frames), channels)
  const sample = reader(frames, format)
  const samples = new Int16Array(frames.length / bytes)
  for (let index = 0; index < samples.length; index++) samples[index] = sample(index * bytes)
  return mixed(samples, channels)
}

function reader(frames: Buffer, { code, bytes, bigEndian }: WavFormat): (at: number) => number {
  if (code === codes.float) {
    const view = new DataView(frames.buffer, frames.byteOffset, frames.byteLength)
    return (at) => fromFloat(bytes === 4 ? view.getFloat32(at, !bigEndian) : view.getFloat64(at, !bigEndian))
  }
  // Only the bytes of most weight are heard. 8 bits are the ones without a sign.
  if (bytes === 1) return (at) => (frames[at]! - 128) << 8
  const [low, high] = bigEndian ? [1, 0] : [bytes - 2, bytes - 1]
  return (at) => (((frames[at + high]! << 8) | frames[at + low]!) << 16) >> 16
}

/** A sample of -1 to 1; what is no number is silence. */
export function fromFloat(value: number): number {
  return Number.isNaN(value) ? 0 : Math.round(Math.max(-1, Math.min(1, value)) * 32_767)
}

function mixed(samples: Int16Array, channels: number): Int16Array {
  if (channels === 1) return samples
  const one = new Int16Array(samples.length / channels)
  for (let index = 0; index < one.length; index++) {
    let sum = 0
    for (let channel = 0; channel < channels; channel++) sum += samples[index * channels + channel]!
    one[index] = sum / channels
  }
  return one
}
