import { ByteReader } from './byte-reader.ts'
import { toBytes, type Pcm } from './pcm.ts'
import { readFormat, toSamples, WavError, type WavFormat } from './wav-format.ts'

export { WavError }

export const wavHeaderBytes = 44

/** A WAV file with 16-bit samples of one channel, which Asterisk plays as `wav` at 8 kHz and as `wav16` at 16 kHz. */
export function wav({ samples, rate }: Pcm): Buffer {
  return Buffer.concat([wavHeader(samples.byteLength, rate), toBytes(samples)])
}

/** What stands in front of so many bytes of such samples. */
export function wavHeader(bytes: number, rate: number): Buffer {
  const header = Buffer.alloc(wavHeaderBytes)
  header.write('RIFF')
  header.writeUInt32LE(wavHeaderBytes - 8 + bytes, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(rate, 24)
  header.writeUInt32LE(rate * 2, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(bytes, 40)
  return header
}

/** From here on a size means that who wrote it did not know: 0xffffffff of ffmpeg, 0x7ffff000 of SoX, and the like. */
const unknownSize = 0x7fff_0000

/** What stands after the sound in files of size 0 that really have none. */
const chunkNames = /^(LIST|[Ii][Dd]3 |bext|JUNK|fact|cue |smpl|iXML|PEAK|FLLR|PAD |afsp|acid|inst|DISP|axml|chna|data)$/

/**
 * The sound of a WAV file while it arrives: what is in its `data` chunk, and none of the chunks around it. Who streams
 * does not know its size, and writes 0 or the largest number: then the sound goes on to the end, as it does in a file
 * that was cut off. RIFX is the same with the bytes of numbers turned round, and RF64 (EBU Tech 3306) has longer sizes.
 */
export async function* readWav(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Pcm> {
  const input = new ByteReader(bytes)
  try {
    const bigEndian = await readRiff(input)
    let format: WavFormat | undefined
    let longSize: number | undefined
    for (;;) {
      const { name, size } = await readChunk(input, bigEndian)
      const padded = size + (size % 2)
      if (name === 'data') {
        if (!format) throw new WavError('it is a WAV file without a format')
        if (size === 0 && chunkNames.test(latin(await input.peek(4)))) continue
        const isKnown = size !== 0 && size < unknownSize
        yield* sound(input, format, isKnown ? size : longSize || Infinity)
        return
      }
      if (name === 'fmt ' && (size < 16 || size > 4_096)) throw new WavError('it is a WAV file with a broken format')
      if (name === 'fmt ') format = readFormat(await whole(input, padded), bigEndian)
      else if (name === 'ds64' && size >= 28 && size <= 4_096)
        longSize = Number((await whole(input, padded)).readBigUInt64LE(8))
      else await input.skip(padded)
    }
  } finally {
    await input.end()
  }
}

/** Whether its numbers have their most weighty byte first. */
async function readRiff(input: ByteReader): Promise<boolean> {
  const start = await input.read(12)
  const [name, type] = [latin(start.subarray(0, 4)), latin(start.subarray(8))]
  if (!'RIFF'.startsWith(name) && !['RIFX', 'RF64'].includes(name)) throw new WavError('it is not a WAV file')
  if (start.length === 12 && type !== 'WAVE') throw new WavError('it is not a WAV file')
  return name === 'RIFX'
}

async function readChunk(input: ByteReader, bigEndian: boolean): Promise<{ name: string; size: number }> {
  const head = await whole(input, 8)
  return { name: latin(head.subarray(0, 4)), size: bigEndian ? head.readUInt32BE(4) : head.readUInt32LE(4) }
}

async function whole(input: ByteReader, count: number): Promise<Buffer> {
  const bytes = await input.read(count)
  if (bytes.length === count) return bytes
  throw new WavError('it is not a WAV file, or it ends before its sound')
}

async function* sound(input: ByteReader, format: WavFormat, size: number): AsyncGenerator<Pcm> {
  const frame = format.bytes * format.channels
  let rest = Buffer.alloc(0)
  for await (const piece of input.stream(size)) {
    const all = rest.length > 0 ? Buffer.concat([rest, piece]) : piece
    const end = all.length - (all.length % frame)
    rest = Buffer.from(all.subarray(end))
    if (end > 0) yield { samples: toSamples(all.subarray(0, end), format), rate: format.rate }
  }
}

const latin = (bytes: Buffer): string => bytes.toString('latin1')
