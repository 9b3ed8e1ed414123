import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection, type Connection, type ConnectionOptions } from 'mysql2/promise'
import type { Logger } from '../log.ts'
import { parseDatabaseUrl } from './url.ts'

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
  'ECONNABORTED',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'PROTOCOL_CONNECTION_LOST',
  'POOL_CLOSED',
  'ER_SERVER_SHUTDOWN',
  'ER_CON_COUNT_ERROR',
  'ER_CONNECTION_KILLED',
  'ER_CLIENT_INTERACTION_TIMEOUT',
  'ER_NORMAL_SHUTDOWN',
  'ER_SERVER_OFFLINE_MODE',
  'ER_TOO_MANY_USER_CONNECTIONS',
])

/** It answers and takes nothing: read_only and super_read_only, innodb_read_only, a transaction that may not write, a full disk. */
const readOnly = new Set([
  'ER_OPTION_PREVENTS_STATEMENT',
  'ER_READ_ONLY_MODE',
  'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION',
  'ER_DISK_FULL',
  'ER_RECORD_FILE_FULL',
])

/** Somebody else had the rows. InnoDB has rolled back, and expects to be asked again. */
const contended = new Set(['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT'])

interface DriverError {
  code?: string
  message?: string
  driverError?: unknown
  errors?: unknown[]
}

export function isDatabaseAway(error: unknown): boolean {
  const { code, message, driverError, errors } = error as DriverError
  // What mysql2 says, without a code, to the next statement of a transaction whose connection is gone.
  if (away.has(code ?? '') || (code === undefined && message?.endsWith('connection is in closed state'))) return true
  return driverError ? isDatabaseAway(driverError) : (errors ?? []).some(isDatabaseAway)
}

export function isDatabaseReadOnly(error: unknown): boolean {
  const { code, driverError } = error as DriverError
  return readOnly.has(code ?? '') || (driverError !== undefined && isDatabaseReadOnly(driverError))
}

export function isContended(error: unknown): boolean {
  const { code, driverError } = error as DriverError
  return contended.has(code ?? '') || (driverError !== undefined && isContended(driverError))
}

/** The same statement may succeed later. What is not one of these fails now, and would fail then. */
export function isRetryable(error: unknown): boolean {
  return isDatabaseAway(error) || isDatabaseReadOnly(error) || isContended(error)
}

export function connectionOptions(url: string) {
  const { host, port, user, password, database, sslMode, sslCa, sslCert, sslKey } = parseDatabaseUrl(url)
  const read = (file: string | undefined, name: string) => file !== undefined && { [name]: readFileSync(file, 'utf8') }
  return {
    ...{ host, port, user, password, database },
    ...(sslMode !== 'DISABLED' && {
      ssl: {
        ...{ minVersion: 'TLSv1.2', rejectUnauthorized: true, verifyIdentity: sslMode === 'VERIFY_IDENTITY' },
        ...{ ...read(sslCa, 'ca'), ...read(sslCert, 'cert'), ...read(sslKey, 'key') },
      },
    }),
    charset: 'utf8mb4_unicode_ci',
    timezone: 'Z',
    dateStrings: true,
    connectTimeout: 2000,
  } satisfies ConnectionOptions
}

/** The same in TypeORM's words. */
export function typeormOptions({ user, ssl, ...options }: ReturnType<typeof connectionOptions>) {
  return { username: user, ...options, ...(ssl && { ssl }) }
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
        throw new Error(`the database ${where} did not come up in ${seconds} s: ${problemOf(error)}`, { cause: error })
      if (waited >= told) {
        logger?.info({ waited_ms: waited, problem: problemOf(error) }, `waiting for the database ${where}`)
        told = waited + 5000
      }
      await sleep(250)
    }
  }
}

/** A name with several addresses is refused with an error for each, and a message that is empty. */
function problemOf(error: unknown): string {
  const { code, message } = error as { code?: string; message: string }
  return message || (code ?? 'no connection')
}

function mend(error: unknown): string {
  const { code, message } = error as { code?: string; message: string }
  if (code === 'ER_BAD_DB_ERROR') return `${message}; make it: CREATE DATABASE … CHARACTER SET utf8mb4`
  if (code === 'ER_ACCESS_DENIED_ERROR')
    return `${message}; check user and password in HASHDIAL_DATABASE_URL (a % in them is written %25)`
  if (code === 'ER_SECURE_TRANSPORT_REQUIRED')
    return `${message}; add ?ssl-ca=/path/to/ca.pem to HASHDIAL_DATABASE_URL, the CA of its certificate`
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') return `${message}; give it a certificate, or leave ssl-… out of the URL`
  if (code === 'HANDSHAKE_SSL_ERROR' || /certificate/.test(message))
    return `its certificate is not accepted (${message}); check ssl-ca and ssl-mode in HASHDIAL_DATABASE_URL`
  return message
}
