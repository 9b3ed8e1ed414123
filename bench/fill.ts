import type { Connection } from 'mysql2/promise'

const customer = '00000000-0000-4000-8000-00000000f111'
const step = 10_000

/** Fills the tables until they have `count` extensions with accounts and hashes that no device uses. */
export async function fillTables(database: Connection, count: number, base: string): Promise<void> {
  const domain = `${customer}.registrar.${base}`
  await database.query(`INSERT IGNORE INTO customers VALUES (?, 'filling', '', NOW(6), NULL)`, [customer])
  const [rows] = await database.query('SELECT COUNT(*) AS have FROM extensions')
  for (let from = (rows as { have: number }[])[0]!.have; from < count; from += step) {
    const numbers = Array.from({ length: Math.min(step, count - from) }, (_, index) => from + index)
    const id = (n: number) => `00000000-0000-4000-9000-${n.toString(16).padStart(12, '0')}`
    const now = new Date().toISOString().slice(0, 23).replace('T', ' ')
    await database.beginTransaction()
    await database.query('INSERT INTO extensions VALUES ?', [
      numbers.map((n) => [id(n), customer, '', '', `fill${n}`, domain, now, null]),
    ])
    await database.query('INSERT INTO subscriber (username, domain, ha1, ha1b, extension_id) VALUES ?', [
      numbers.map((n) => [`fill${n}`, domain, n.toString(16).padStart(32, '0'), '', id(n)]),
    ])
    await database.query('INSERT INTO directs VALUES ?', [
      // Spread as random hashes are: a multiplication by an odd number modulo 2^48 meets every value once.
      numbers.map((n) => ['extension', id(n), customer, spread(n), now, null]),
    ])
    await database.commit()
    if (from % 100_000 === 0) console.log(`  filling the tables: ${from} of ${count}`)
  }
  await database.query('ANALYZE TABLE extensions, subscriber, directs')
}

function spread(n: number): string {
  return ((BigInt(n) * 0x9e3779b97f4bn) & 0xffffffffffffn).toString(16).padStart(12, '0')
}
