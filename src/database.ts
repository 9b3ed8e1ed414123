import 'reflect-metadata'
import { createPool, type Pool, type PoolConnection, type QueryValues } from 'mysql2'
import type { Connection } from 'mysql2/promise'
import { DataSource, QueryFailedError, type EntityManager, type EntityTarget, type ObjectLiteral } from 'typeorm'
import { connectionOptions, connectPatiently, isContended, sessionSql, typeormOptions } from './database/connect.ts'
import { Guard } from './database/guard.ts'
import { Watch, type DatabaseState } from './database/watch.ts'
import { fromSqlTime, toSqlTime } from './database/time.ts'
import { sqlValue } from './database/upsert.ts'
import type { Logger } from './log.ts'

export { longText } from './database/columns.ts'
export { isDatabaseAway, isDatabaseReadOnly, isRetryable } from './database/connect.ts'
export { unhurried } from './database/guard.ts'
export { migrate } from './database/migrate.ts'
export { fromNow, fromSqlTime, now, toSqlTime } from './database/time.ts'
export { sqlValue } from './database/upsert.ts'
export type { DatabaseState } from './database/watch.ts'
export type { DataSource, EntityManager } from 'typeorm'

export interface DatabaseOptions {
  entities: readonly EntityTarget<ObjectLiteral>[]
  logger?: Logger
  pool?: number
  /** How long a statement may take; its connection is replaced then. */
  statementMs?: number
}

const watches = new WeakMap<DataSource, Watch>()

/** The database, MySQL or MariaDB, waited for if it is not up yet. Its tables are made by migrate(). */
export async function openDatabase(url: string, options: DatabaseOptions): Promise<DataSource> {
  const { entities, logger, pool = 10, statementMs = 2_000 } = options
  const type = await kindOf(await connectPatiently(url, logger))
  const connection = connectionOptions(url)
  let guard: Guard | undefined
  const database = new DataSource({
    type,
    driver: {
      createPool(of: Parameters<typeof createPool>[0]) {
        const ours = createOurPool(of)
        guard = new Guard(ours, statementMs, logger)
        return ours
      },
    },
    ...typeormOptions(connection),
    poolSize: pool,
    // A BIGINT is a number, and a string only where a number cannot hold it.
    extra: { bigNumberStrings: false },
    synchronize: false,
    entities: entities as (new () => object)[],
    // `undefined` in a where clause is a mistake that would match every row.
    invalidWhereValuesBehavior: { undefined: 'throw', null: 'throw' },
  })
  keepMicroseconds(database)
  await database.initialize()
  watchOver(database, guard!, new Watch(connection, logger), statementMs)
  return database
}

/** What the database can do at the moment, without asking it. */
export function databaseState(database: DataSource): DatabaseState {
  return watches.get(database)?.state ?? 'ok'
}

/** While it is away nobody waits to be told so. When it is back it may be another server. */
function watchOver(database: DataSource, guard: Guard, watch: Watch, waitMs: number): void {
  watches.set(database, watch)
  watch.changed = (state) => state === 'ok' && guard.renew()
  limitWaiting(poolOf(database), waitMs, () => watch.state === 'away')
  const destroy = database.destroy.bind(database)
  database.destroy = () => {
    watch.stop()
    guard.stop()
    return destroy()
  }
}

type GotConnection = (error: NodeJS.ErrnoException | null, connection: PoolConnection) => void

/**
 * mysql2 lets one wait for a connection of a pool as long as it takes. Here a burst waits for its turn, and when nobody has
 * been given one for `waitMs`, nobody waits any more; whom `hopeless` concerns does not wait at all.
 */
function limitWaiting(pool: Pool, waitMs: number, hopeless: () => boolean): void {
  const getConnection = pool.getConnection.bind(pool)
  let handedOut = 0
  const refuse = (callback: GotConnection, why: string) =>
    (callback as (error: Error) => void)(Object.assign(new Error(why), { code: 'ETIMEDOUT' }))
  pool.getConnection = (callback: GotConnection) => {
    if (hopeless()) return void process.nextTick(refuse, callback, 'the database is away')
    let late = false
    let timer: NodeJS.Timeout | undefined
    // A turn of the event loop is granted: a connection may be there, and it is we who were busy.
    const wait = (ms: number) => (timer = setTimeout(() => setImmediate(giveUp), ms))
    const giveUp = () => {
      if (timer === undefined) return
      const left = handedOut + waitMs - performance.now()
      if (left > 0) return void wait(left)
      late = true
      refuse(callback, 'no connection to the database was free in time')
    }
    wait(waitMs)
    getConnection((error, connection) => {
      clearTimeout(timer)
      timer = undefined
      if (!error) handedOut = performance.now()
      if (!late) callback(error, connection)
      else if (!error) connection.release()
    })
  }
}

function poolOf(database: DataSource): Pool {
  return (database.driver as unknown as { pool: Pool }).pool
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
      if (attempt === 5 || !isContended(error)) throw error
    }
  }
}

export interface Statement {
  sql: string
  values: readonly unknown[]
}

/** All statements or none of them, on a connection of the driver's pool itself. */
export async function atomically(database: DataSource, statements: readonly Statement[]): Promise<void> {
  const [only, ...more] = statements
  if (more.length === 0) return void (only && (await query(database, only.sql, only.values)))
  const connection = await promisify<PoolConnection>((done) => poolOf(database).getConnection(done))
  const run = (sql: string, values: readonly unknown[] = []) =>
    promisify((done) => connection.query(sql, values as QueryValues, done))
  try {
    await run('START TRANSACTION')
    for (const { sql, values } of statements) await run(sql, values)
    await run('COMMIT')
    connection.release()
  } catch (error) {
    // One that cannot even do this holds nobody knows what: the server rolls back when it is gone.
    run('ROLLBACK').then(
      () => connection.release(),
      () => connection.destroy(),
    )
    throw error
  }
}

function promisify<T>(work: (done: (error: Error | null, result: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => work((error, result) => (error ? reject(error) : resolve(result))))
}

/** Did the row that this one belongs to go away? */
export function isForeignKeyMissing(error: unknown): boolean {
  return error instanceof QueryFailedError && (error.driverError as { code?: string }).code === 'ER_NO_REFERENCED_ROW_2'
}

/** What is asked for every call goes to the driver's pool itself: TypeORM takes a connection aside for each query. */
export function query(database: DataSource, sql: string, values: readonly unknown[]): Promise<unknown> {
  return promisify((done) => poolOf(database).query(sql, values as QueryValues, done))
}

/**
 * One row by its id, as the entity has it, without what is joined, and some numbers of the customer whose it is. TypeORM's
 * own query builder costs more than the query (measured: 230 against 100 µs of processor time), and this is done for
 * every call.
 */
export async function findRow<Row extends ObjectLiteral, Column extends string>(
  database: DataSource,
  entity: EntityTarget<Row>,
  id: string,
  numbers: readonly Column[],
): Promise<{ row: Row; customer: Record<Column, number> } | undefined> {
  const { tableName, columns } = database.getMetadata(entity)
  const more = numbers.map((column) => `, c.${column} AS \`customer ${column}\``).join('')
  const rows = (await query(
    database,
    `SELECT r.*${more} FROM ${tableName} r JOIN customers c ON c.id = r.customer_id WHERE r.id = ?`,
    [id],
  )) as ObjectLiteral[]
  const row = rows[0]
  if (!row) return undefined
  const real = columns.filter(({ databaseName }) => databaseName in row)
  const value = (column: (typeof columns)[number]): unknown =>
    database.driver.prepareHydratedValue(row[column.databaseName], column)
  return {
    row: Object.fromEntries(real.map((column) => [column.propertyName, value(column)])) as Row,
    customer: Object.fromEntries(numbers.map((column) => [column, row[`customer ${column}`]])) as Record<
      Column,
      number
    >,
  }
}

/** Stores a new row; again after a crash it is there. */
export async function insertOnce(database: Pick<EntityManager, 'query'>, table: string, row: object): Promise<void> {
  const names = Object.keys(row)
  const values = Object.entries(row).map(([name, value]: [string, unknown]) => sqlValue(name, value))
  await database.query(
    `INSERT IGNORE INTO ${table} (${names.join(',')}) VALUES (${names.map(() => '?').join(',')})`,
    values,
  )
}
