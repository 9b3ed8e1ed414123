import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection, type Connection, type ConnectionOptions } from 'mysql2/promise'
import type { Logger } from '../log.ts'

/** What each connection says first. */
export const sessionSql = [
  // UTC, so that NOW() is what we store. Strict, so that nothing is cut silently, and backslashes escape: a server's own
  // NO_BACKSLASH_ESCAPES would make the driver's quoting void.
  `SET time_zone = '+00:00', sql_mode = 'TRADITIONAL,NO_ENGINE_SUBSTITUTION'`,
  // Without locks on gaps: an UPDATE that finds no row must not hold up, or deadlock with, who inserts next to it.
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
]

/** The server is not there, or goes away: a later try can succeed. */
const away = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'PROTOCOL_CONNECTION_LOST',
  'POOL_CLOSED',
  'ER_SERVER_SHUTDOWN',
  'ER_CON_COUNT_ERROR',
  'ER_CONNECTION_KILLED',
  'ER_CLIENT_INTERACTION_TIMEOUT',
])

export function isDatabaseAway(error: unknown): boolean {
  const { code, driverError, errors } = error as { code?: string; driverError?: unknown; errors?: unknown[] }
  return away.has(code ?? '') || (driverError ? isDatabaseAway(driverError) : (errors ?? []).some(isDatabaseAway))
}

export function connectionOptions(url: string): ConnectionOptions {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    charset: 'utf8mb4_unicode_ci',
    timezone: 'Z',
    dateStrings: true,
    connectTimeout: 3000,
  }
}

/** A connection to a database that may not be up yet: it says every few seconds that it waits, and gives up after `seconds`. */
export async function connectPatiently(url: string, logger?: Logger, seconds = 120): Promise<Connection> {
  const options = connectionOptions(url)
  const where = `${options.host}:${options.port}/${options.database}`
  const start = Date.now()
  for (let told = 0; ;) {
    try {
      return await createConnection({ ...options, multipleStatements: true })
    } catch (error) {
      if (!isDatabaseAway(error)) throw new Error(`the database ${where} refuses us: ${mend(error)}`, { cause: error })
      const waited = Date.now() - start
      if (waited > seconds * 1000)
        throw new Error(`the database ${where} did not come up in ${seconds} s`, { cause: error })
      if (waited >= told) {
        logger?.info({ waited_ms: waited }, `waiting for the database ${where}`)
        told = waited + 5000
      }
      await sleep(250)
    }
  }
}

function mend(error: unknown): string {
  const { code, message } = error as { code?: string; message: string }
  if (code === 'ER_BAD_DB_ERROR') return `${message}; make it: CREATE DATABASE … CHARACTER SET utf8mb4`
  if (code === 'ER_ACCESS_DENIED_ERROR') return `${message}; check user and password in HASHDIAL_DATABASE_URL`
  return message
}
