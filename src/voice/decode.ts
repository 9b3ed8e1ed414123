import { FLACDecoder } from '@wasm-audio-decoders/flac'
import { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis'
import CodecParser, { type OggPage, type OpusHeader } from 'codec-parser'
import { MPEGDecoder } from 'mpg123-decoder'
import { OpusDecoder } from 'opus-decoder'
import type { Pcm } from './pcm.ts'
import { sniff, type SoundType } from './sniff.ts'
import { fromFloat } from './wav-format.ts'
import { readWav, WavError } from './wav.ts'

const pieceBytes = 65_536

/** What the decoders answer: each channel as floats. */
interface Decoded {
  channelData: Float32Array[]
  samplesDecoded: number
  sampleRate: number
}

/** The sound of a file, whatever it is called. Throws WavError where it has none that can be played. */
export async function* decode(file: Buffer): AsyncGenerator<Pcm> {
  const found = sniff(file)
  if ('instead' in found) {
    throw new WavError(`it is not a WAV file, nor MP3, FLAC, Ogg Vorbis or Ogg Opus, but ${found.instead}`)
  }
  let heard = false
  try {
    for await (const piece of decoders[found.type](pieces(file.subarray(found.from)))) {
      heard ||= piece.samples.length > 0
      yield piece
    }
  } catch (error) {
    throw error instanceof WavError ? error : new WavError(`the ${names[found.type]} file is broken`)
  }
  if (!heard) throw new WavError(`there is no sound in the ${names[found.type]} file`)
}

const names: Readonly<Record<SoundType, string>> = {
  ...{ wav: 'WAV', mp3: 'MP3', flac: 'FLAC', vorbis: 'Ogg Vorbis', opus: 'Ogg Opus', oggflac: 'Ogg FLAC' },
}

const decoders: Readonly<Record<SoundType, (bytes: Iterable<Buffer>) => AsyncIterable<Pcm>>> = {
  wav: (bytes) => readWav(flowing(bytes)),
  mp3: (bytes) => stream(new MPEGDecoder(), bytes),
  flac: (bytes) => stream(new FLACDecoder(), bytes),
  oggflac: (bytes) => stream(new FLACDecoder(), bytes),
  vorbis: (bytes) => stream(new OggVorbisDecoder(), bytes),
  opus,
}

interface StreamDecoder {
  ready: Promise<void>
  decode(bytes: Uint8Array): Decoded | Promise<Decoded>
  flush?(): Promise<Decoded>
  free(): void
}

async function* stream(decoder: StreamDecoder, bytes: Iterable<Buffer>): AsyncGenerator<Pcm> {
  await decoder.ready
  try {
    for (const piece of bytes) yield* toPcm(await decoder.decode(piece))
    if (decoder.flush) yield* toPcm(await decoder.flush())
  } finally {
    decoder.free()
  }
}

/** RFC 7845; the channels of what is more than stereo are mapped as its header says. */
async function* opus(bytes: Iterable<Buffer>): AsyncGenerator<Pcm> {
  const parser = new CodecParser('application/ogg') as unknown as Pages
  let decoder: OpusDecoder | undefined
  try {
    for (const page of pagesOf(parser, bytes)) {
      for (const { header, data } of page.codecFrames ?? []) {
        decoder ??= await openOpus(header as OpusHeader)
        yield* toPcm(decoder.decodeFrame(data))
      }
    }
  } finally {
    decoder?.free()
  }
}

/** Its types call them iterators; they are generators. */
interface Pages {
  parseChunk(bytes: Uint8Array): Iterable<OggPage>
  flush(): Iterable<OggPage>
}

function* pagesOf(parser: Pages, bytes: Iterable<Buffer>): Generator<OggPage> {
  for (const piece of bytes) yield* parser.parseChunk(piece)
  yield* parser.flush()
}

async function openOpus({ channels, preSkip, channelMappingTable, ...streams }: OpusHeader): Promise<OpusDecoder> {
  // One and two channels have no table (RFC 7845, 5.1.1.1).
  const mapped = (channelMappingTable as number[] | undefined) && {
    ...{ channelMappingTable: [...channelMappingTable] },
    ...{ streamCount: streams.streamCount, coupledStreamCount: streams.coupledStreamCount },
  }
  const decoder = new OpusDecoder({ channels, preSkip, ...mapped })
  await decoder.ready
  return decoder
}

function* toPcm({ channelData, samplesDecoded, sampleRate }: Decoded): Generator<Pcm> {
  if (samplesDecoded === 0 || channelData.length === 0) return
  const samples = new Int16Array(samplesDecoded)
  for (let index = 0; index < samplesDecoded; index++) {
    let sum = 0
    for (const channel of channelData) sum += channel[index]!
    samples[index] = fromFloat(sum / channelData.length)
  }
  yield { samples, rate: sampleRate }
}

function* pieces(file: Buffer): Generator<Buffer> {
  for (let at = 0; at < file.length; at += pieceBytes) yield file.subarray(at, at + pieceBytes)
}

async function* flowing(bytes: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* bytes
}
