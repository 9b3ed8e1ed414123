import { pino, type Logger } from 'pino'

export type { Logger }

/** One JSON line per entry on standard output. Secrets are removed here, whatever an object that is logged carries. */
export function createLogger(level: string): Logger {
  return pino({
    level,
    redact: {
      paths: ['password', 'token', 'authorization', '*.password', '*.token', '*.authorization'],
      censor: '[removed]',
    },
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
  })
}
