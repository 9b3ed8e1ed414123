import { HashdialError } from '../errors.ts'

export interface Wanted {
  signal: AbortSignal
  /** Without a byte for so long the server counts as dead. */
  idleMs: number
  /** More is not read. */
  maxBytes: number
}

/** The answer of a speech server: its type, and its body as it arrives, within bounds. */
export interface Reply {
  type: string
  body: AsyncIterable<Uint8Array>
}

/** Asks a speech server. What goes wrong is said in words, without the key; an abort throws the signal’s reason. */
export async function ask(url: string, request: RequestInit, wanted: Wanted): Promise<Reply> {
  const clock = new Clock(wanted)
  try {
    // A redirect would carry the key to somebody else.
    const response = await clock.within(fetch(url, { ...request, redirect: 'error', signal: clock.signal }))
    const body = chunks(response, clock, wanted)
    if (response.ok) return { type: response.headers.get('content-type') ?? '', body }
    const said = (await text(body, 2000)).replace(/\s+/g, ' ').slice(0, 200)
    throw failed(url, `answered ${response.status}${said && `: ${said}`}`)
  } catch (error) {
    throw inWords(error, url, wanted)
  }
}

/** The whole body as text, or its beginning. */
export async function text(body: AsyncIterable<Uint8Array>, most = Infinity): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of body) {
    parts.push(part)
    length += part.length
    if (length >= most) break
  }
  return Buffer.concat(parts).toString()
}

async function* chunks(response: Response, clock: Clock, wanted: Wanted): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined
  let bytes = 0
  try {
    for (;;) {
      const part = await clock.within(reader?.read() ?? Promise.resolve({ done: true as const, value: undefined }))
      if (part.done) return
      bytes += part.value.length
      if (bytes > wanted.maxBytes) throw failed(response.url, `sent more than ${wanted.maxBytes} bytes`)
      yield part.value
    }
  } catch (error) {
    throw inWords(error, response.url, wanted)
  } finally {
    clock.stop()
  }
}

/** Ends a request whose server says nothing; the time in which nobody reads on does not count. */
class Clock {
  readonly #own = new AbortController()
  readonly signal: AbortSignal

  constructor(readonly wanted: Wanted) {
    this.signal = AbortSignal.any([wanted.signal, this.#own.signal])
  }

  async within<T>(answer: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#own.abort(new Error('idle')), this.wanted.idleMs)
    try {
      return await answer
    } finally {
      clearTimeout(timer)
    }
  }

  /** What is still open is given up. */
  stop(): void {
    this.#own.abort(new Error('not read on'))
  }
}

function inWords(error: unknown, url: string, { signal, idleMs }: Wanted): Error {
  if (signal.aborted) return signal.reason as Error
  if (error instanceof HashdialError) return error
  const { message, cause } = error as Error & { cause?: { code?: string; message?: string } }
  if (message === 'idle') return failed(url, `said nothing for ${idleMs / 1000} s`)
  return failed(url, `could not be asked (${cause?.code ?? cause?.message ?? message})`)
}

export function failed(url: string, what: string): HashdialError {
  const { origin, pathname } = new URL(url)
  return new HashdialError('UNAVAILABLE', 'SPEECH_FAILED', `the speech server ${origin}${pathname} ${what}`)
}
