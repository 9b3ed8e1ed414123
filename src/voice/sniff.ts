/** What a file is by its first bytes: names and content types of the web are wrong too often. */
export type SoundType = 'wav' | 'mp3' | 'flac' | 'vorbis' | 'opus' | 'oggflac'

/** How far into a file of MPEG frames the first of them may begin: a stream is cut anywhere. */
const mpegSearchBytes = 16_384

/** What cannot be played, in words; the bytes stand at the beginning. */
const others: readonly [RegExp, string][] = [
  [/^....ftyp/s, 'an MP4 or M4A file'],
  [/^FORM....AIF[FC]/s, 'an AIFF file'],
  [/^\.snd/, 'an AU file'],
  [/^#!AMR/, 'an AMR file'],
  [/^\x1aE\xdf\xa3/, 'a WebM or Matroska file'],
  [/^0&\xb2u/, 'a WMA file'],
  [/^MThd/, 'a MIDI file'],
  [/^\xff[\xf0\xf1\xf8\xf9]/, 'an AAC stream'],
  [/^OggS/, 'an Ogg file with neither Vorbis nor Opus nor FLAC in it'],
  [/^\x1f\x8b/, 'a gzip file'],
  [/^PK/, 'a ZIP file'],
  [/^%PDF/, 'a PDF'],
  [/^(\xef\xbb\xbf)?\s*<(!doctype )?html/i, 'an HTML page'],
  [/^(\xef\xbb\xbf)?\s*</, 'XML or HTML'],
  [/^(\xef\xbb\xbf)?\s*[[{]/, 'JSON'],
]

/** Where its sound begins, and what it is; or in words what it is instead. */
export function sniff(file: Buffer): { type: SoundType; from: number } | { instead: string } {
  if (file.length === 0) return { instead: 'an empty file' }
  const tag = tagLength(file)
  const start = file.toString('latin1', tag, tag + 64)
  if (/^(RIFF|RIFX|RF64)....WAVE/s.test(start)) return { type: 'wav', from: tag }
  if (start.startsWith('fLaC')) return { type: 'flac', from: tag }
  const ogg = /^OggS[^]{23,60}?(\x01vorbis|OpusHead|\x7fFLAC)/.exec(start)?.[1]
  if (ogg) return { type: ogg === 'OpusHead' ? 'opus' : ogg === '\x7fFLAC' ? 'oggflac' : 'vorbis', from: tag }
  const other = others.find(([shape]) => shape.test(start))
  if (other) return { instead: other[1] }
  for (let at = tag; at < Math.min(file.length, tag + mpegSearchBytes); at++)
    if (isMpeg(file, at)) return { type: 'mp3', from: at }
  return { instead: 'something else' }
}

/** ID3v2 stands in front of MP3, and sometimes of FLAC and AAC (id3.org, ID3v2.4.0 structure, 3.1). */
function tagLength(file: Buffer): number {
  if (file.toString('latin1', 0, 3) !== 'ID3' || file.length < 10) return 0
  const size = [6, 7, 8, 9].reduce((sum, at) => (sum << 7) | (file[at]! & 0x7f), 0)
  const footer = file[5]! & 0x10 ? 10 : 0
  return Math.min(file.length, 10 + size + footer)
}

/** Two frames after one another, or one and the end: a single header is found in any noise. */
function isMpeg(file: Buffer, at: number): boolean {
  const length = frameLength(file, at)
  if (length === 0) return false
  const next = at + length
  return next + 4 > file.length ? next <= file.length + 4 : frameLength(file, next) > 0
}

const rates = [44_100, 48_000, 32_000]
const kilobits = [
  [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
] as const

/** The bytes of the MPEG audio frame that begins there (ISO 11172-3, 2.4.1.3); 0 when none does. */
function frameLength(file: Buffer, at: number): number {
  if (at + 4 > file.length || file[at] !== 0xff || (file[at + 1]! & 0xe0) !== 0xe0) return 0
  const [version, layer] = [(file[at + 1]! >> 3) & 3, 4 - ((file[at + 1]! >> 1) & 3)]
  const [bits, frequency, padding] = [file[at + 2]! >> 4, (file[at + 2]! >> 2) & 3, (file[at + 2]! >> 1) & 1]
  if (version === 1 || layer === 4 || bits === 0 || bits === 15 || frequency === 3) return 0
  const isFirst = version === 3
  const rate = rates[frequency]! / (isFirst ? 1 : version === 2 ? 2 : 4)
  const bitrate = kilobits[isFirst ? layer - 1 : layer === 1 ? 3 : 4]![bits - 1]! * 1000
  if (layer === 1) return (Math.floor((12 * bitrate) / rate) + padding) * 4
  return Math.floor(((layer === 3 && !isFirst ? 72 : 144) * bitrate) / rate) + padding
}
