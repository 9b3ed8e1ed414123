import { fromBytes, toBytes, type Pcm } from './pcm.ts'

/** A WAV file with 16-bit samples of one channel, which Asterisk plays as `wav` at 8 kHz and as `wav16` at 16 kHz. */
export function wav({ samples, rate }: Pcm): Buffer {
  const header = Buffer.alloc(44)
  header.write('RIFF')
  header.writeUInt32LE(36 + samples.byteLength, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(rate, 24)
  header.writeUInt32LE(rate * 2, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(samples.byteLength, 40)
  return Buffer.concat([header, toBytes(samples)])
}

/** What is wrong with the sound that somebody sent. */
export class WavError extends Error {
  override name = 'WavError'
}

const longestHeader = 65_536

/**
 * The sound of a WAV file while it arrives. The sizes in its header are not believed: who streams does not know them, and
 * writes 0 or the largest number.
 */
export async function* readWav(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Pcm> {
  let waiting: Buffer = Buffer.alloc(0)
  let format: Format | undefined
  for await (const chunk of bytes) {
    waiting = waiting.length > 0 ? Buffer.concat([waiting, chunk]) : Buffer.from(chunk)
    if (!format) {
      format = header(waiting)
      if (!format && waiting.length > longestHeader) throw new WavError('it is not a WAV file')
      if (!format) continue
      waiting = waiting.subarray(format.length)
    }
    const whole = waiting.length - (waiting.length % (2 * format.channels))
    if (whole > 0)
      yield { samples: oneChannel(fromBytes(waiting.subarray(0, whole)), format.channels), rate: format.rate }
    waiting = waiting.subarray(whole)
  }
  if (!format) throw new WavError('it is not a WAV file, or it ends before its sound')
}

interface Format {
  channels: number
  rate: number
  /** Where the sound begins. */
  length: number
}

/** Undefined while the header is not complete. */
function header(file: Buffer): Format | undefined {
  if (file.length < 12) return undefined
  if (file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE') {
    throw new WavError('it is not a WAV file')
  }
  let format: Format | undefined
  for (let at = 12; at + 8 <= file.length;) {
    const name = file.toString('latin1', at, at + 4)
    const size = file.readUInt32LE(at + 4)
    if (name === 'data') {
      if (!format) throw new WavError('it is a WAV file without a format')
      return { ...format, length: at + 8 }
    }
    if (name === 'fmt ' && at + 24 <= file.length) format = readFormat(file.subarray(at + 8))
    at += 8 + size + (size % 2)
  }
  return undefined
}

function readFormat(chunk: Buffer): Format {
  const [code, channels, rate, bits] = [
    chunk.readUInt16LE(0),
    chunk.readUInt16LE(2),
    chunk.readUInt32LE(4),
    chunk.readUInt16LE(14),
  ]
  const plain = (code === 1 || code === 0xfffe) && bits === 16
  if (plain && (channels === 1 || channels === 2) && rate >= 8000 && rate <= 48_000)
    return { channels, rate, length: 0 }
  throw new WavError(`it has format ${code}, ${bits} bits, ${channels} channels, ${rate} Hz, and not 16-bit PCM`)
}

function oneChannel(samples: Int16Array, channels: number): Int16Array {
  if (channels === 1) return samples
  return Int16Array.from(
    { length: samples.length / 2 },
    (_, index) => (samples[2 * index]! + samples[2 * index + 1]!) / 2,
  )
}
