import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection, type Connection } from 'mysql2/promise'
import type { Stack } from '../src/stack/stack.ts'

/** The tables that a plain Kamailio writes, as its own scripts make them. */
export async function plainTables(stack: Stack): Promise<void> {
  const scripts = join(stack.rootfs, 'usr/share/kamailio/mysql')
  const read = (name: string) => readFileSync(join(scripts, `${name}-create.sql`), 'utf8')
  const connection = await createConnection({ uri: stack.databaseUrl, multipleStatements: true })
  await connection.query(read('standard') + read('usrloc'))
  await connection.query(`INSERT INTO version (table_name, table_version) VALUES ('subscriber', '7')`)
  await connection.end()
  const root = await createConnection({
    ...{ host: '127.0.0.1', port: stack.ports.mysql, user: 'root' },
    password: stack.site.secrets.mysqlRoot,
  })
  for (const table of ['location', 'location_attrs', 'version']) {
    await root.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON hashdial.${table} TO 'kamailio'@'127.0.0.1'`)
  }
  await root.end()
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
