import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { createConnection } from 'mysql2/promise'
import { debianMirror } from '../src/stack/mirror.ts'
import { kamailioDatabaseUrl } from '../src/stack/mysql.ts'
import { openStack } from '../src/stack/stack.ts'
import { sharedStack } from './support/setup.ts'
import { SipClient } from './support/sip.ts'

/** A stack of this file’s own, of which single parts are started: nobody else is disturbed. */
const own = await openStack({
  name: 'parts',
  ports: { sip: 17060, api: 17080, asteriskSip: 17070, ari: 17088, mysql: 17316, rtpFrom: 18000, rtpTo: 18099 },
})
own.site.room.furnish()
test.after.always(async () => {
  await own.stop()
  rmSync(own.folder, { recursive: true, force: true })
})

test('a program inside cannot change the shared rootfs, and leaves no mount on the machine', async (t) => {
  const stack = await sharedStack()
  const { code, output } = await stack.run('sh', [
    '-c',
    'touch /etc/changed /usr/bin/changed /hashdial/kamailio/changed',
  ])
  t.not(code, 0)
  t.is(output.match(/Read-only file system/g)?.length, 3)
  t.false(readFileSync('/proc/mounts', 'utf8').includes(stack.rootfs))
})

test('secrets are for root alone, and none is on a command line', async (t) => {
  const stack = await sharedStack()
  for (const file of ['secrets.json', 'mysql/accounts.sql', 'asterisk/etc/site/ari.conf']) {
    t.is(statSync(join(stack.folder, file)).mode & 0o077, 0, file)
  }
  for (const { name, pid } of stack.parts) {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    for (const secret of Object.values(stack.site.secrets)) t.false(line.includes(secret), name)
  }
})

test('Kamailio’s database account may do what the plug-in does and no more', async (t) => {
  const { site } = await sharedStack()
  const connection = await createConnection(kamailioDatabaseUrl(site))
  t.teardown(() => connection.end())
  for (const table of ['subscriber', 'extensions', 'directs']) await connection.query(`SELECT 1 FROM ${table} LIMIT 1`)
  await connection.query('DELETE FROM guess_blocks WHERE id = 0')
  const refused = [
    'SELECT * FROM customers',
    'SELECT * FROM accesskeys',
    'UPDATE directs SET hash = hash WHERE 1 = 0',
    'DELETE FROM subscriber WHERE id = 0',
    'SELECT * FROM mysql.user',
    'DROP TABLE directs',
  ]
  for (const statement of refused) await t.throwsAsync(connection.query(statement), { message: /denied/ }, statement)
})

test('an Asterisk without Hashdial answers 503, and only Kamailio’s address is let in', async (t) => {
  await own.part('asterisk').start()
  const kamailio = await SipClient.open(own.ports.asteriskSip)
  const stranger = await SipClient.open(own.ports.asteriskSip, '127.0.0.66')
  t.teardown(() => [kamailio, stranger].forEach((client) => client.close()))
  const uri = `sip:extension.0b6cf7a8@127.0.0.1:${own.ports.asteriskSip}`
  const from = `<sip:hashdial@127.0.0.66>` // the endpoint’s name, which is no reason to be let in
  const body = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9000 RTP/AVP 0\r\n'
  t.is((await kamailio.request('INVITE', { uri, body })).status, 503)
  t.is((await kamailio.request('OPTIONS', { uri: `sip:127.0.0.1:${own.ports.asteriskSip}` })).status, 200)
  t.is((await stranger.request('INVITE', { uri, from, body })).status, 401)
  // What matched `h` would run again on a channel that has hung up.
  const { output } = await own.run('asterisk', ['-rx', 'dialplan show h@hashdial'])
  t.notRegex(output, /Stasis/)
})

test.serial('a part that is killed is named with its last words, and comes back with its data', async (t) => {
  const mysql = own.part('mysql')
  await mysql.start()
  const first = mysql.pid
  await mysql.kill9()
  t.is(mysql.pid, undefined)
  t.true(mysql.died)
  t.regex(mysql.lastWords, /ready for connections/)
  await mysql.start()
  t.not(mysql.pid, first)
  await mysql.stop()
  t.false(mysql.died)
})

test.serial('a part whose port is taken says so', async (t) => {
  const { ports } = await sharedStack()
  const other = await openStack({ name: 'taken', ports: { mysql: ports.mysql } })
  t.teardown(async () => {
    await other.stop()
    rmSync(other.folder, { recursive: true, force: true })
  })
  other.site.room.furnish()
  const error = await t.throwsAsync(other.part('mysql').start())
  t.regex(error.message, /^mysql ended while it was starting:[^]*Address already in use/)
})

test('the mirror is the one that has this machine’s own suite', (t) => {
  const apt = mkdtempSync(join(tmpdir(), 'apt-'))
  t.teardown(() => rmSync(apt, { recursive: true }))
  const write = (name: string, text: string) => writeFileSync(join(apt, 'sources.list.d', name), text)
  mkdirSync(join(apt, 'sources.list.d'))
  write('a.list', 'deb http://elsewhere.test/apt tools main\n')
  t.throws(() => debianMirror(apt, 'bookworm'), { message: /HASHDIAL_DEBIAN_MIRROR/ })
  write('b.sources', 'Types: deb\nURIs: http://off.test/debian\nSuites: bookworm\nEnabled: no\n')
  t.throws(() => debianMirror(apt, 'bookworm'), { message: /docker compose up/ })
  write(
    'c.sources',
    'Types: deb\nURIs: http://deb822.test/debian\nSuites: bookworm bookworm-updates\nComponents: main\n',
  )
  t.is(debianMirror(apt, 'bookworm'), 'http://deb822.test/debian')
  writeFileSync(join(apt, 'sources.list'), '# old\ndeb [arch=amd64] http://list.test/debian bookworm main\n')
  t.is(debianMirror(apt, 'bookworm'), 'http://list.test/debian')
  writeFileSync(join(apt, 'mirrors'), '# the nearest\nhttps://near.test/debian\n')
  writeFileSync(join(apt, 'sources.list'), `deb mirror+file:${apt}/mirrors bookworm main\n`)
  t.is(debianMirror(apt, 'bookworm'), 'https://near.test/debian')
})
