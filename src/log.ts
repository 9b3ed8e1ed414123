import { pino, stdSerializers, stdTimeFunctions, type Logger } from 'pino'

export type { Logger }

/** One JSON line per entry on standard output. Secrets are removed here, whatever an object that is logged carries. */
export function createLogger(level: string): Logger {
  return pino({
    level,
    redact: {
      paths: ['password', 'token', 'authorization', '*.password', '*.token', '*.authorization'],
      censor: '[removed]',
    },
    serializers: { err: withoutValues },
    base: null,
    timestamp: stdTimeFunctions.isoTime,
  })
}

/** An error of the database carries the statement with its values: hashes of passwords and tokens, what callers sent. */
function withoutValues(error: Error): object {
  const { sql, query, parameters, driverError, ...rest } = stdSerializers.err(error)
  return rest
}
