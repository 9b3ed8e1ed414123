import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm'
import type { Logger } from '../log.ts'
import { connectionOptions, connectPatiently, typeormOptions } from './connect.ts'

const sqlFolder = new URL('../../sql/', import.meta.url)

interface MigrateOptions {
  logger?: Logger
  /** Where the NNN-name.sql are. */
  folder?: URL
  /** How long to wait for a database that is not up yet. */
  seconds?: number
}

/**
 * Runs the files of sql/ that this database has not seen, in their order. Several processes may do it at once: the first
 * does it, the others wait for its lock. Returns the names of the files that it ran.
 */
export async function migrate(url: string, options: MigrateOptions = {}): Promise<string[]> {
  const files = await readFiles(options.folder ?? sqlFolder)
  const lock = await connectPatiently(url, options.logger, options.seconds)
  try {
    // A lock of MySQL belongs to a connection: a process that dies lets it go.
    await lock.query(`DO GET_LOCK(CONCAT('migrate ', LEFT(DATABASE(), 50)), 600)`)
    return await run(url, files, options.logger)
  } finally {
    await lock.end()
  }
}

async function run(url: string, files: SqlFile[], logger?: Logger): Promise<string[]> {
  const database = new DataSource({
    type: 'mysql',
    ...typeormOptions(connectionOptions(url)),
    poolSize: 2,
    multipleStatements: true,
    migrations: files.map(migration),
  })
  await database.initialize()
  try {
    await refuseChanges(database, files)
    // MySQL ends a transaction at every CREATE TABLE, so there is none to ask for.
    const done = await database.runMigrations({ transaction: 'none' })
    for (const { name } of done) logger?.info(`the database has ${title(name)} now`)
    return done.map(({ name }) => title(name))
  } finally {
    await database.destroy()
  }
}

interface SqlFile {
  name: string
  number: number
  sql: string
}

async function readFiles(folder: URL): Promise<SqlFile[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{3}-[a-z0-9-]+\.sql$/.test(name)).sort()
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, folder), 'utf8')
      return { name, number: Number(name.slice(0, 3)), sql }
    }),
  )
}

/**
 * TypeORM wants 13 digits at the end of a migration's name and remembers names only. So the name carries the file's
 * checksum: what was run can be compared with what is there.
 */
function migrationName({ name, number, sql }: SqlFile): string {
  const checksum = createHash('sha256').update(sql).digest('hex').slice(0, 16)
  return `${name.replace(/\.sql$/, '')} ${checksum} ${String(number).padStart(13, '0')}`
}

function title(name: string): string {
  return `${name.split(' ')[0]}.sql`
}

function migration(file: SqlFile): new () => MigrationInterface {
  return class implements MigrationInterface {
    name = migrationName(file)

    async up(query: QueryRunner): Promise<void> {
      await query.query(file.sql)
    }

    async down(): Promise<void> {
      throw new Error('there is no way back: restore a backup')
    }
  }
}

async function refuseChanges(database: DataSource, files: SqlFile[]): Promise<void> {
  const tables: object[] = await database.query(`SHOW TABLES LIKE 'migrations'`)
  if (tables.length === 0) return
  const rows: { name: string }[] = await database.query('SELECT name FROM migrations ORDER BY timestamp')
  const known = new Map(files.map((file) => [file.name, migrationName(file)]))
  for (const { name } of rows) {
    const now = known.get(title(name))
    if (!now)
      throw new Error(
        `the database has ${title(name)}, which this version does not know: it is older than the database`,
      )
    if (now !== name)
      throw new Error(`${title(name)} was changed after this database ran it: put the change into a new file`)
  }
}
