import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { createConnection, type Connection } from 'mysql2/promise'
import { loadConfig } from '../../src/config.ts'
import { databaseState, migrate, openDatabase } from '../../src/database.ts'
import { giveTo } from '../../src/stack/site.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { openStack } from '../../src/stack/stack.ts'
import { answersOptions, kamailioEnv } from '../../src/stack/kamailio.ts'
import { migrateStack } from '../../src/stack/mysql.ts'

/** A MySQL that lets nobody in without TLS. Its certificate and its CA are those that it has made itself. */
const own = await openStack({
  name: 'secure',
  ports: { sip: 17160, api: 17180, asteriskSip: 17170, ari: 17188, mysql: 17416, rtpFrom: 18100, rtpTo: 18199 },
})
own.site.room.furnish()
const ca = join(own.folder, 'mysql/data/ca.pem')
/** Every character that has a meaning in a URL, or in a my.cnf. */
const password = `p/a#s?s%4w@o:r'd";=\\ x&+`
let root: Connection

test.before(async () => {
  await own.part('mysql').start()
  await migrateStack(own.site)
  const { ports, site } = own
  root = await createConnection({
    host: '127.0.0.1',
    port: ports.mysql,
    user: 'root',
    password: site.secrets.mysqlRoot,
  })
  for (const user of ['hashdial', 'kamailio'])
    await root.query(`ALTER USER '${user}'@'127.0.0.1' IDENTIFIED BY ?`, [password])
  await root.query('SET GLOBAL require_secure_transport = ON')
})

test.after.always(async () => {
  await root?.end()
  await own.stop()
  rmSync(own.folder, { recursive: true, force: true })
})

const url = (text: string, host = '127.0.0.1') => `mysql://hashdial:${text}@${host}:${own.ports.mysql}/hashdial`
const encoded = encodeURIComponent(password)

test('with the CA the connections are encrypted, whatever characters the password has', async (t) => {
  for (const text of [password, encoded]) {
    const given = loadConfig({ HASHDIAL_DATABASE_URL: `${url(text)}?ssl-ca=${ca}`, HASHDIAL_ARI_URLS: 'http://a:b@c' })
    await migrate(given.databaseUrl)
    const database = await openDatabase(given.databaseUrl, { entities: [] })
    const [row] = await database.query(`SHOW STATUS LIKE 'Ssl_cipher'`)
    t.regex(row.Value, /AES|CHACHA/)
    t.is(databaseState(database), 'ok')
    await database.destroy()
  }
})

test('without the CA, with another one, and with another name the start ends with what to do', async (t) => {
  const other = join(own.folder, 'other.pem')
  copyFileSync(join(own.folder, 'mysql/data/client-cert.pem'), other)
  const refused = async (to: string, message: RegExp) => {
    const error = await t.throwsAsync(migrate(to), { message })
    t.false(error.message.includes(password))
  }
  await refused(url(encoded), /insecure transport.*ssl-ca=/)
  await refused(`${url(encoded)}?ssl-ca=${other}`, /certificate is not accepted.*ssl-ca/)
  await refused(`${url(encoded, 'localhost')}?ssl-ca=${ca}&ssl-mode=VERIFY_IDENTITY`, /certificate is not accepted/)
  await refused(`${url('wrong')}?ssl-ca=${ca}`, /check user and password/)
  const config = (text: string) => () => loadConfig({ HASHDIAL_DATABASE_URL: text, HASHDIAL_ARI_URLS: 'http://a:b@c' })
  t.throws(config(`${url(encoded)}?ssl-ca=/not/there.pem`), { message: /\/not\/there.pem, which is not there/ })
  t.throws(config(`${url(encoded)}?ssl-mode=REQUIRED`), { message: /none of VERIFY_CA/ })
  t.throws(config(`${url(encoded)}?ssl-mode=VERIFY_CA`), { message: /ssl-ca=/ })
  t.throws(config(`${url(encoded)}?sslca=${ca}`), { message: /none of ssl-mode, ssl-ca/ })
})

/** Starts the edge with a group of a my.cnf in place of a password in the URL. Does its heartbeat come to MySQL? */
async function edgeWith(group: string[]): Promise<{ beats: boolean; log: string }> {
  const { site, ports } = own
  mkdirSync(join(own.folder, 'kamailio'), { recursive: true })
  writeFileSync(join(own.folder, 'kamailio/.my.cnf'), ['[hashdial]', ...group, ''].join('\n'), { mode: 0o600 })
  writeFileSync(join(own.folder, 'kamailio/dispatcher.list'), `1 sip:127.0.0.1:${ports.asteriskSip}\n`)
  copyFileSync(ca, join(own.folder, 'kamailio/ca.pem'))
  copyFileSync(join(own.folder, 'mysql/data/client-cert.pem'), join(own.folder, 'kamailio/other.pem'))
  giveTo(site.room, 'kamailio', 'kamailio/.my.cnf', 'kamailio/ca.pem', 'kamailio/other.pem')
  const env = {
    ...kamailioEnv(site),
    HASHDIAL_DB: `mysql://kamailio@[hashdial]127.0.0.1:${ports.mysql}/hashdial`,
    HASHDIAL_TRUNK_SOCKET: '',
    HASHDIAL_CHILDREN: '1',
    HASHDIAL_SHM_MB: '64',
    HOME: '/stack/kamailio',
  }
  const listen = ['-l', `udp:127.0.0.1:${ports.sip}`]
  const args = ['-f', '/hashdial/kamailio/kamailio.cfg', '-DD', '-E', '-M', '32', '-w', '/tmp', '-Y', '/tmp', ...listen]
  const kamailio = own.spawn('kamailio', args, { user: 'kamailio', env, stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  kamailio.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const ended = new Promise((resolve) => kamailio.once('exit', resolve))
  await root.query('DELETE FROM hashdial.edges')
  await becomesTrue(20_000, () => answersOptions(ports.sip))
  const beats = await becomesTrue(log.includes('TLS/SSL error') ? 0 : 10_000, async () => {
    const [rows] = await root.query('SELECT name FROM hashdial.edges')
    return (rows as object[]).length > 0
  })
  kamailio.kill('SIGTERM')
  await ended
  return { beats, log }
}

test('Kamailio takes its password and the CA from a group of a my.cnf, and trusts no other CA', async (t) => {
  const quoted = `password = "${password.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  const good = await edgeWith([quoted, 'ssl-ca = /stack/kamailio/ca.pem'])
  t.true(good.beats, good.log)
  const bad = await edgeWith([quoted, 'ssl-ca = /stack/kamailio/other.pem'])
  t.false(bad.beats)
  t.regex(bad.log, /TLS\/SSL error: .*certificate/)
})
