import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise'
import { becomesTrue } from '../src/stack/shell.ts'
import type { Stack } from '../src/stack/stack.ts'

/** The tables that a plain Kamailio writes, as its own scripts make them. */
export async function plainTables(stack: Stack): Promise<void> {
  const scripts = join(stack.rootfs, 'usr/share/kamailio/mysql')
  const read = (name: string) => readFileSync(join(scripts, `${name}-create.sql`), 'utf8')
  const connection = await createConnection({ uri: stack.databaseUrl, multipleStatements: true })
  await connection.query(read('standard') + read('usrloc'))
  await connection.query(`INSERT INTO version (table_name, table_version) VALUES ('subscriber', '7')`)
  await connection.end()
  const root = await asRoot(stack)
  // Room for a million of everything, in memory and in the log, as who has so many gives to MySQL.
  for (const [name, gibibytes] of Object.entries({ innodb_buffer_pool_size: 6, innodb_redo_log_capacity: 4 }))
    await root.query(`SET GLOBAL ${name} = ${gibibytes * 2 ** 30}`)
  for (const table of ['location', 'location_attrs', 'version']) {
    await root.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON hashdial.${table} TO 'kamailio'@'127.0.0.1'`)
  }
  await root.end()
}

function asRoot({ ports, site }: Stack): Promise<Connection> {
  const password = site.secrets.mysqlRoot
  return createConnection({ host: '127.0.0.1', port: ports.mysql, user: 'root', password })
}

/** Waits until MySQL has written what was filled in. */
export async function settle(stack: Stack): Promise<void> {
  const root = await asRoot(stack)
  const [before] = await root.query<RowDataPacket[]>('SELECT @@innodb_max_dirty_pages_pct AS percent')
  await root.query('SET GLOBAL innodb_max_dirty_pages_pct = 0')
  const written = await becomesTrue(120_000, async () => {
    const [rows] = await root.query<RowDataPacket[]>(`SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'`)
    return Number(rows[0]!['Value']) < 100
  })
  await root.query('SET GLOBAL innodb_max_dirty_pages_pct = ?', [Number(before[0]!['percent'])])
  await root.end()
  if (!written) throw new Error('MySQL does not get done with writing what was filled in')
}

/**
 * Every extension has been registered, through another edge and from where the bench's devices are: in our table and in
 * usrloc's, as each would have it.
 */
export async function registerAll(database: Connection, devicePort: number): Promise<void> {
  const uri = (column: string) => `CONCAT('sip:', ${column}, '@127.0.0.1:${devicePort}')`
  const number = (column: string) => `SUBSTRING(${column}, 2)`
  await database.query('DELETE FROM registrations')
  await database.query('TRUNCATE TABLE location')
  await database.query(
    `INSERT INTO registrations (extension_id, contact, received, source_address, transport, user_agent, instance, call_id,
       cseq, path, edge, socket, tm_registered, tm_expire)
     SELECT id, ${uri('username')}, 'sip:127.0.0.1:${devicePort}', '127.0.0.1', 'udp', 'bench', '',
       CONCAT(${number('username')}, '@bench'), 0, '', 'another', 'udp:127.0.0.1:5060',
       UTC_TIMESTAMP(6), UTC_TIMESTAMP() + INTERVAL 2 HOUR FROM extensions`,
  )
  await database.query(
    `INSERT INTO location (ruid, username, domain, contact, expires, callid, cseq, user_agent, socket, methods)
     SELECT CONCAT('uloc-bench-', ${number('username')}), username, domain_name, ${uri('username')},
       NOW() + INTERVAL 2 HOUR, CONCAT(${number('username')}, '@bench'), 0, 'bench', 'udp:127.0.0.1:5060', 0
     FROM extensions`,
  )
  await database.query('ANALYZE TABLE registrations, location')
}
