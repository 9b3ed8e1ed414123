import { pino, stdTimeFunctions, type DestinationStream, type Logger, type LoggerOptions } from 'pino'

export type { Logger }

/** The longest text in an entry, in characters: a stranger must not fill the disk. */
const longest = 2_000

/** So many warnings and errors with the same words are written in such a time, in milliseconds; the others are counted. */
const mostAlike = 20
const period = 10_000
/** How many different words are told apart. */
const remembered = 1_000

/** One JSON line per entry on standard output, unless it is to go elsewhere. Secrets are removed here, whatever an object that is logged carries. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const alike = new Alike()
  const options: LoggerOptions = {
    level,
    redact: {
      paths: ['password', 'token', 'authorization', '*.password', '*.token', '*.authorization'],
      censor: '[removed]',
    },
    serializers: { err: withoutValues, error: withoutValues, data: withoutBytes },
    formatters: {
      log: (entry) => Object.fromEntries(Object.entries(entry).map(([name, value]) => [name, short(value)])),
    },
    hooks: {
      logMethod(given, log, severity) {
        const left = severity < 40 ? given : alike.admit(given)
        if (left) log.apply(this, left)
      },
      // Whatever carried it there: a path, a message of a library.
      streamWrite: (line) => line.replaceAll(/\bhd_[0-9A-Za-z]{8,}|(?<=[?&]token=)[^&"\\\s]+/g, '[removed]'),
    },
    base: null,
    timestamp: stdTimeFunctions.isoTime,
  }
  return destination ? pino(options, destination) : pino(options)
}

/**
 * Of an error what says what went wrong, and nothing that it carries along: the statement of a database error has hashes
 * of passwords, that of a client's request has the token, that of Node's HTTP parser has all bytes that came (`rawPacket`).
 */
function withoutValues(error: unknown): unknown {
  if (!(error instanceof Error)) return short(typeof error === 'object' ? Object.prototype.toString.call(error) : error)
  const { name, message, stack = '', cause } = error
  const { code, errno, syscall, address, port, status, reason } = error as unknown as Record<string, unknown>
  const facts = Object.entries({ code, errno, syscall, address, port, status, reason })
  return {
    ...{ type: name, message: short(message), stack: short(stack) },
    ...Object.fromEntries(facts.filter(([, value]) => typeof value === 'string' || typeof value === 'number')),
    ...(cause instanceof Error && { cause: short(`${cause.name}: ${cause.message}`) }),
  }
}

function withoutBytes(value: unknown): unknown {
  if (value instanceof Error) return withoutValues(value)
  return typeof value === 'object' && value !== null ? '[object]' : value
}

function short(value: unknown): unknown {
  if (value instanceof Uint8Array) return `[${value.length} bytes]`
  return typeof value === 'string' && value.length > longest ? `${value.slice(0, longest)}…` : value
}

type Given = [object: unknown, message?: string, ...values: unknown[]]

/** Keeps what happens again and again from filling the log: what is the same for a while is counted. */
class Alike {
  readonly #known = new Map<string, { count: number; until: number }>()

  /** The entry as it is to be written; undefined: it is not. */
  admit(given: unknown[]): Given | undefined {
    const [first, message = typeof first === 'string' ? first : ''] = given as Given
    const now = Date.now()
    const known = this.#known.get(message)
    const entry = known && known.until > now ? known : { count: 0, until: now + period }
    if (entry !== known) this.#remember(message, entry)
    if (++entry.count > mostAlike) return undefined
    const missed = known && entry !== known ? known.count - mostAlike : 0
    if (missed <= 0 || typeof first !== 'object' || first === null) return given as Given
    return [{ ...first, alike_not_written: missed }, ...(given.slice(1) as [string])]
  }

  #remember(message: string, entry: { count: number; until: number }): void {
    this.#known.delete(message)
    this.#known.set(message, entry)
    if (this.#known.size > remembered) this.#known.delete(this.#known.keys().next().value!)
  }
}
