import { pino, stdSerializers, stdTimeFunctions, type DestinationStream, type Logger, type LoggerOptions } from 'pino'

export type { Logger }

/** One JSON line per entry on standard output, unless it is to go elsewhere. Secrets are removed here, whatever an object that is logged carries. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options: LoggerOptions = {
    level,
    redact: {
      paths: ['password', 'token', 'authorization', '*.password', '*.token', '*.authorization'],
      censor: '[removed]',
    },
    serializers: { err: withoutValues },
    base: null,
    timestamp: stdTimeFunctions.isoTime,
  }
  return destination ? pino(options, destination) : pino(options)
}

/** An error of the database carries the statement with its values: hashes of passwords and tokens, what callers sent. */
function withoutValues(error: Error): object {
  const { sql, query, parameters, driverError, ...rest } = stdSerializers.err(error)
  return rest
}
