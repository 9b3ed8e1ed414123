import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection, type Connection } from 'mysql2/promise'
import type { Stack } from '../src/stack/stack.ts'

interface Accounts {
  customer: string
  domain: string
  realm: string
  count: number
}

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

/** Accounts e0, e1, … with the passwords secret0, secret1, …; nobody is registered any more. */
export async function fillAccounts(database: Connection, { customer, domain, realm, count }: Accounts): Promise<void> {
  await database.query('DELETE FROM registrations')
  await database.query('DELETE FROM location')
  await database.query(`INSERT IGNORE INTO customers VALUES (?, 'bench', '', NOW(6), NULL)`, [customer])
  const [rows] = await database.query('SELECT COUNT(*) AS have FROM extensions')
  const step = 20_000
  const md5 = (text: string) => createHash('md5').update(text).digest('hex')
  for (let from = (rows as { have: number }[])[0]!.have; from < count; from += step) {
    if (from % 200_000 === 0 && count > step) console.log(`  making accounts: ${from} of ${count}`)
    const numbers = Array.from({ length: Math.min(step, count - from) }, (_, index) => from + index)
    const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
    await database.beginTransaction()
    await database.query('INSERT INTO extensions VALUES ?', [
      numbers.map((n) => [id(n), customer, '', '', `e${n}`, domain, '2026-01-01', null]),
    ])
    await database.query('INSERT INTO subscriber (username, domain, ha1, ha1b, extension_id) VALUES ?', [
      numbers.map((n) => [`e${n}`, domain, md5(`e${n}:${realm}:secret${n}`), '', id(n)]),
    ])
    await database.commit()
  }
  await database.query('ANALYZE TABLE extensions, subscriber, registrations')
}
