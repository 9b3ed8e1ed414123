import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { pipeline, Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'

/** What a customer's flow may be told of a request that failed. */
export class WebError extends Error {
  override name = 'WebError'
}

/** What is asked for in Accept-Encoding. */
export const codings = 'gzip, deflate, br'

/** More codings on top of each other are nobody's honest answer. */
const mostCodings = 3

/**
 * The body of an answer as it arrives, without its Content-Encoding (RFC 9110, 8.4). No step of the way yields more than
 * `most` bytes: a few kilobytes can be packed that would fill the memory.
 */
export function bodyOf(response: IncomingMessage, most: number): AsyncIterable<Buffer> {
  const names = (response.headers['content-encoding'] ?? '').toLowerCase().split(',')
  const packed = names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity')
  if (packed.length > mostCodings) throw new WebError(`the answer is packed more than ${mostCodings} times`)
  return packed.reduceRight<AsyncIterable<Buffer>>(
    (body, coding) => bounded(unpacked(body, coding), most),
    bounded(response, most),
  )
}

async function* bounded(body: AsyncIterable<Buffer>, most: number): AsyncGenerator<Buffer> {
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    // Leaving the loop ends the connection.
    if (size > most) throw new WebError(`the answer has more than ${most} bytes`)
    yield chunk
  }
}

/** An empty body stays empty, whatever its header says: a HEAD or a 204 has none. */
async function* unpacked(body: AsyncIterable<Buffer>, coding: string): AsyncGenerator<Buffer> {
  const chunks = body[Symbol.asyncIterator]()
  const first = await chunks.next()
  if (first.done) return
  const rest = Readable.from(
    (async function* () {
      yield first.value
      yield* { [Symbol.asyncIterator]: () => chunks }
    })(),
  )
  const unpack = unpacker(coding, first.value)
  pipeline(rest, unpack, () => undefined) // what goes wrong is told by the stream that is read
  try {
    yield* unpack as AsyncIterable<Buffer>
  } catch (error) {
    const isPacking = String((error as NodeJS.ErrnoException).code).match(/^(Z_|ERR__ERROR|ERR_BROTLI|ERR_PADDING)/)
    throw isPacking ? new WebError(`the answer is not ${coding}, as its Content-Encoding says`) : error
  }
}

function unpacker(coding: string, first: Buffer): Transform {
  if (coding === 'gzip' || coding === 'x-gzip') return createGunzip()
  if (coding === 'br') return createBrotliDecompress()
  // Some servers leave out the zlib header that deflate has (RFC 9110, 8.4.1.2).
  if (coding === 'deflate') return (first[0]! & 0x0f) === 8 ? createInflate() : createInflateRaw()
  throw new WebError(`the answer is packed as "${coding.slice(0, 40)}"; ${codings} are understood`)
}

const marks: readonly [number[], string][] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xfe, 0xff], 'utf-16be'],
  [[0xff, 0xfe], 'utf-16le'],
]

/**
 * The body as text: by its byte order mark, else by the charset of its Content-Type, else as UTF-8. What says nothing and
 * is not UTF-8 is taken for Windows-1252, the superset of ISO-8859-1.
 */
export function textOf({ headers, body }: { headers: IncomingHttpHeaders; body: Buffer }): string {
  const marked = marks.find(([mark]) => mark.every((byte, index) => body[index] === byte))?.[1]
  const named = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(headers['content-type'] ?? '')?.[1]
  const charset = marked ?? named
  try {
    return new TextDecoder(charset ?? 'utf-8', { fatal: charset === undefined }).decode(body)
  } catch (error) {
    if (error instanceof RangeError) throw new WebError(`the answer has the charset "${named?.slice(0, 40)}"`)
    return new TextDecoder('windows-1252').decode(body)
  }
}
