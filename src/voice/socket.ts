import { WebSocket } from 'ws'
import { HashdialError } from '../errors.ts'

/** How long a service may take to open, in milliseconds. */
const openMs = 5_000

/** A service that is talked to over a WebSocket. */
export interface Service {
  readonly name: string
  readonly url: string
  readonly headers: Record<string, string>
}

/** Opens it. What goes wrong is told in words, without the key; an abort throws the signal's reason. */
export async function openSocket({ name, url, headers }: Service, signal: AbortSignal): Promise<WebSocket> {
  signal.throwIfAborted()
  const socket = new WebSocket(url, { headers, handshakeTimeout: openMs, perMessageDeflate: false })
  const close = () => socket.terminate()
  signal.addEventListener('abort', close, { once: true })
  socket.once('close', () => signal.removeEventListener('abort', close))
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket))
    socket.once('unexpected-response', (_, { statusCode }) => {
      reject(serviceFailed(name, `answered ${statusCode}`))
      socket.terminate()
    })
    socket.on('error', () => reject(signal.aborted ? (signal.reason as Error) : serviceFailed(name, 'is away')))
  })
}

export function serviceFailed(name: string, what: string): HashdialError {
  return new HashdialError('UNAVAILABLE', 'SPEECH_FAILED', `the speech service ${name} ${what}`)
}

export function mustHaveKey(name: string, key: string): void {
  if (key !== '') return
  const message = `${name} has no key: set HASHDIAL_${name.toUpperCase()}_KEY`
  throw new HashdialError('FAILED_PRECONDITION', 'SPEECH_NOT_CONFIGURED', message)
}

/** What is used of a message: an object, or nothing where it is no JSON. */
export function parsed<T extends object>(data: Buffer): Partial<T> {
  try {
    const value: unknown = JSON.parse(data.toString())
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
