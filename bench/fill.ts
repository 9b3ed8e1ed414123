import { createHash } from 'node:crypto'
import type { Connection } from 'mysql2/promise'

const step = 20_000

export interface Filling {
  customer: string
  base: string
  /** Extensions that there are to be, with their accounts and hashes. */
  count: number
}

/**
 * Fills the tables until this customer has `count` extensions e0, e1, … with the passwords secret0, secret1, …, and a
 * direct hash each.
 */
export async function fillTables(database: Connection, { customer, base, count }: Filling): Promise<void> {
  const domain = `${customer}.registrar.${base}`
  await database.query(`INSERT IGNORE INTO customers SET id = ?, name = 'filling', detail = '', tm_create = NOW(6)`, [
    customer,
  ])
  const [rows] = await database.query('SELECT COUNT(*) AS have FROM extensions WHERE customer_id = ?', [customer])
  const now = new Date().toISOString().slice(0, 23).replace('T', ' ')
  const md5 = (text: string) => createHash('md5').update(text).digest('hex')
  for (let from = (rows as { have: number }[])[0]!.have; from < count; from += step) {
    if (from % 200_000 === 0 && count > step) console.log(`  filling the tables: ${from} of ${count}`)
    const numbers = Array.from({ length: Math.min(step, count - from) }, (_, index) => from + index)
    const id = (n: number) => `${customer.slice(0, 24)}${String(n).padStart(12, '0')}`
    await database.beginTransaction()
    await database.query('INSERT INTO extensions VALUES ?', [
      numbers.map((n) => [id(n), customer, '', '', `e${n}`, domain, now, null, 0]),
    ])
    await database.query('INSERT INTO subscriber (username, domain, ha1, ha1b, extension_id) VALUES ?', [
      numbers.map((n) => [`e${n}`, domain, md5(`e${n}:${base}:secret${n}`), '', id(n)]),
    ])
    await database.query('INSERT INTO directs VALUES ?', [
      numbers.map((n) => ['extension', id(n), customer, spread(n), now, null]),
    ])
    await database.commit()
  }
  await database.query('ANALYZE TABLE extensions, subscriber, directs')
}

/** Spread as random hashes are: a multiplication by an odd number modulo 2^48 meets every value once. */
function spread(n: number): string {
  return ((BigInt(n) * 0x9e3779b97f4bn) & 0xffffffffffffn).toString(16).padStart(12, '0')
}
