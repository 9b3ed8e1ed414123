import 'reflect-metadata'
import { createPool, type Pool, type QueryValues } from 'mysql2'
import type { Connection } from 'mysql2/promise'
import { DataSource, QueryFailedError, type EntityManager, type EntityTarget, type ObjectLiteral } from 'typeorm'
import { connectionOptions, connectPatiently, sessionSql } from './database/connect.ts'
import { fromSqlTime, toSqlTime } from './database/time.ts'
import type { Logger } from './log.ts'

export { longText } from './database/columns.ts'
export { isDatabaseAway } from './database/connect.ts'
export { migrate } from './database/migrate.ts'
export { fromSqlTime, now, toSqlTime } from './database/time.ts'
export type { DataSource, EntityManager } from 'typeorm'

export interface DatabaseOptions {
  entities: readonly EntityTarget<ObjectLiteral>[]
  logger?: Logger
  pool?: number
}

/** The database, MySQL or MariaDB, waited for if it is not up yet. Its tables are made by migrate(). */
export async function openDatabase(url: string, { entities, logger, pool = 10 }: DatabaseOptions): Promise<DataSource> {
  const type = await kindOf(await connectPatiently(url, logger))
  const { user, ...options } = connectionOptions(url)
  const database = new DataSource({
    type,
    driver: { createPool: createOurPool },
    ...(options as { host: string; port: number; password: string; database: string }),
    username: user as string,
    poolSize: pool,
    // A BIGINT is a number, and a string only where a number cannot hold it.
    extra: { bigNumberStrings: false },
    synchronize: false,
    entities: entities as (new () => object)[],
    // `undefined` in a where clause is a mistake that would match every row.
    invalidWhereValuesBehavior: { undefined: 'throw', null: 'throw' },
  })
  keepMicroseconds(database)
  return database.initialize()
}

/** Whatever the URL calls it: the server knows best. */
async function kindOf(connection: Connection): Promise<'mysql' | 'mariadb'> {
  const [rows] = await connection.query('SELECT VERSION() AS version')
  await connection.end()
  return /mariadb/i.test((rows as { version: string }[])[0]?.version ?? '') ? 'mariadb' : 'mysql'
}

function createOurPool(options: Parameters<typeof createPool>[0]): ReturnType<typeof createPool> {
  const pool = createPool(options)
  // Queued in front of the first query of each connection, so nobody can come before it.
  pool.on('connection', (connection) => sessionSql.forEach((sql) => connection.query(sql, () => undefined)))
  return pool
}

/** TypeORM makes a Date of every DATETIME, and a Date has no microseconds: we keep the text, as RFC 3339. */
function keepMicroseconds({ driver }: DataSource): void {
  const hydrate = driver.prepareHydratedValue.bind(driver)
  const persist = driver.preparePersistentValue.bind(driver)
  driver.prepareHydratedValue = (value: unknown, column) =>
    column.type === 'datetime' && typeof value === 'string' ? fromSqlTime(value) : (hydrate(value, column) as unknown)
  driver.preparePersistentValue = (value: unknown, column) =>
    column.type === 'datetime' && typeof value === 'string' ? toSqlTime(value) : (persist(value, column) as unknown)
}

/** Is this the refusal of the unique index `key`? */
export function isDuplicate(error: unknown, key: string): boolean {
  if (!(error instanceof QueryFailedError)) return false
  const { code, sqlMessage } = error.driverError as { code?: string; sqlMessage?: string }
  // MySQL writes 'table.key', MariaDB 'key'.
  return code === 'ER_DUP_ENTRY' && new RegExp(`for key '([^']+\\.)?${key}'$`).test(sqlMessage ?? '')
}

/** A transaction; one that lost a deadlock is run again, as InnoDB expects of its clients. */
export async function transaction<T>(database: DataSource, run: (manager: EntityManager) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await database.transaction(run)
    } catch (error) {
      const { code } = ((error as QueryFailedError).driverError ?? {}) as { code?: string }
      if (attempt === 5 || (code !== 'ER_LOCK_DEADLOCK' && code !== 'ER_LOCK_WAIT_TIMEOUT')) throw error
    }
  }
}

/** Does the database answer within `ms`? A server that hangs answers no as one that is gone does. */
export async function isDatabaseUp(database: DataSource, ms = 1000): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => setTimeout(resolve, ms, false).unref())
  return Promise.race([database.query('SELECT 1').then(Boolean, () => false), late])
}

/** Did the row that this one belongs to go away? */
export function isForeignKeyMissing(error: unknown): boolean {
  return error instanceof QueryFailedError && (error.driverError as { code?: string }).code === 'ER_NO_REFERENCED_ROW_2'
}

/** What is asked for every call goes to the driver's pool itself: TypeORM takes a connection aside for each query. */
export function query(database: DataSource, sql: string, values: readonly unknown[]): Promise<unknown> {
  const { pool } = database.driver as unknown as { pool: Pool }
  return new Promise((resolve, reject) => {
    pool.query(sql, values as QueryValues, (error, result) => (error ? reject(error) : resolve(result)))
  })
}

/**
 * One row by its id, as the entity has it, without what is joined. TypeORM's own query builder costs more than the query
 * (measured: 230 against 100 µs of processor time), and this is done for every call.
 */
export async function findRow<Row extends ObjectLiteral>(
  database: DataSource,
  entity: EntityTarget<Row>,
  id: string,
): Promise<Row | undefined> {
  const { tableName, columns } = database.getMetadata(entity)
  const rows = (await query(database, `SELECT * FROM ${tableName} WHERE id = ?`, [id])) as ObjectLiteral[]
  const row = rows[0]
  if (!row) return undefined
  const real = columns.filter(({ databaseName }) => databaseName in row)
  const value = (column: (typeof columns)[number]): unknown =>
    database.driver.prepareHydratedValue(row[column.databaseName], column)
  return Object.fromEntries(real.map((column) => [column.propertyName, value(column)])) as Row
}

/** Stores a new row; again after a crash it is there. */
export async function insertOnce(database: DataSource, table: string, row: object): Promise<void> {
  const names = Object.keys(row)
  const values = Object.entries(row).map(([name, value]: [string, unknown]) =>
    name.startsWith('tm_') && typeof value === 'string' ? toSqlTime(value) : value,
  )
  await database.query(
    `INSERT IGNORE INTO ${table} (${names.join(',')}) VALUES (${names.map(() => '?').join(',')})`,
    values,
  )
}
