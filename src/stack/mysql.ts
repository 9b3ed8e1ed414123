import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { migrate } from '../database.ts'
import type { Plan } from './part.ts'
import { lastLines, StackError } from './shell.ts'
import { giveTo, writeSecret, type Site } from './site.ts'

export function databaseUrl(site: Site): string {
  return `mysql://hashdial:${site.secrets.mysqlHashdial}@127.0.0.1:${site.ports.mysql}/hashdial`
}

export function kamailioDatabaseUrl(site: Site): string {
  return `mysql://kamailio:${site.secrets.mysqlKamailio}@127.0.0.1:${site.ports.mysql}/hashdial`
}

/** A private MySQL. Durable as in production (a commit is on the disk), so that what is measured here is true there. */
export function mysqlPlan(site: Site): Plan {
  const { room } = site
  const user = 'mysql'
  const defaults = '--defaults-file=/stack/mysql/my.cnf'
  return {
    name: 'mysql',
    seconds: 60,
    listens: [{ transport: 'tcp', address: '127.0.0.1', port: site.ports.mysql }],
    async prepare() {
      writeMysqlFiles(site)
      giveTo(room, user, 'mysql', 'mysql/my.cnf', 'mysql/accounts.sql', 'run/mysqld')
      const data = join(room.folder, 'mysql/data')
      if (existsSync(data)) return
      // Under its name only when it is whole: a start may be interrupted at any time.
      // What was interrupted may be writing its last.
      rmSync(`${data}.new`, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
      const how = ['--initialize-insecure', '--datadir=/stack/mysql/data.new']
      const { code, output } = await room.run('mysqld', [defaults, ...how], { user })
      if (code !== 0) throw new StackError(`mysqld could not make its data folder:\n${lastLines(output)}`)
      renameSync(`${data}.new`, data)
    },
    spawn: (options) => room.spawn('mysqld', [defaults, '--init-file=/stack/mysql/accounts.sql'], { ...options, user }),
    async answers() {
      return query(site, ['SELECT 1']).then(
        () => true,
        () => false,
      )
    },
  }
}

export function writeMysqlFiles(site: Site): void {
  const folder = join(site.room.folder, 'mysql')
  mkdirSync(folder, { recursive: true })
  writeSecret(join(folder, 'my.cnf'), configuration(site))
  writeSecret(join(folder, 'accounts.sql'), accounts(site))
}

function configuration({ ports }: Site): string {
  return `[mysqld]
datadir = /stack/mysql/data
socket = /run/mysqld/mysqld.sock
pid-file = /run/mysqld/mysqld.pid
bind-address = 127.0.0.1
port = ${ports.mysql}
mysqlx = OFF
secure-file-priv =
skip-log-bin
skip-name-resolve
character-set-server = utf8mb4
default-time-zone = +00:00
innodb-flush-log-at-trx-commit = 1
performance-schema = OFF
innodb-buffer-pool-size = 512M
max-connections = 300
`
}

/** Run by mysqld at each start: the accounts always have the passwords of secrets.json. One statement a line. */
function accounts({ secrets }: Site): string {
  const users = { root: secrets.mysqlRoot, hashdial: secrets.mysqlHashdial, kamailio: secrets.mysqlKamailio }
  const lines = Object.entries(users).flatMap(([user, password]) => [
    `CREATE USER IF NOT EXISTS '${user}'@'127.0.0.1' IDENTIFIED BY '${password}';`,
    `ALTER USER '${user}'@'127.0.0.1' IDENTIFIED BY '${password}';`,
  ])
  return [
    'CREATE DATABASE IF NOT EXISTS hashdial CHARACTER SET utf8mb4;',
    ...lines,
    "GRANT ALL ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;",
    "GRANT ALL ON hashdial.* TO 'hashdial'@'127.0.0.1';",
    `ALTER USER 'root'@'localhost' IDENTIFIED BY '${secrets.mysqlRoot}';`,
    '',
  ].join('\n')
}

/** Makes the tables, and lets Kamailio do what its plug-in does and no more. */
export async function migrateStack(site: Site): Promise<void> {
  await migrate(databaseUrl(site))
  const rights = {
    SELECT: ['subscriber', 'extensions', 'directs', 'numbers', 'trunks', 'trunk_addresses', 'trunk_accounts'],
    INSERT: ['registration_changes'],
    'SELECT, INSERT, UPDATE, DELETE': ['registrations', 'registration_failures', 'edges', 'guess_blocks'],
  }
  const grants = Object.entries(rights).flatMap(([right, tables]) =>
    tables.map((table) => `GRANT ${right} ON hashdial.${table} TO 'kamailio'@'127.0.0.1'`),
  )
  await query(site, grants)
}

/** Empty tables for a new start: the migrations make them again. */
export async function dropDatabase(site: Site): Promise<void> {
  await query(site, ['DROP DATABASE hashdial', 'CREATE DATABASE hashdial CHARACTER SET utf8mb4'])
}

/** As root: the stack’s own doings, never Hashdial’s. */
async function query(site: Site, statements: readonly string[]): Promise<void> {
  const { secrets, ports } = site
  const connection = await createConnection({
    host: '127.0.0.1',
    port: ports.mysql,
    user: 'root',
    password: secrets.mysqlRoot,
    connectTimeout: 2000,
  })
  try {
    for (const statement of statements) await connection.query(statement)
  } finally {
    connection.destroy()
  }
}
