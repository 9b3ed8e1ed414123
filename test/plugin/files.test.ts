import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { setUp, sharedStack } from '../support/setup.ts'
import { firstCall, Recipe } from './readme.ts'

const folder = new URL('../../kamailio/', import.meta.url)
const plugin = readdirSync(folder).filter((name) => /^hashdial.*\.cfg$/.test(name))
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
/** What rtimer runs in a process of its own. */
const timers = [...read('hashdial.cfg').matchAll(/route=(HASHDIAL_\w+)/g)].map(([, name]) => name)
timers.push('HASHDIAL_DATABASE_LOST') // part of the heartbeat

test('a SIP worker asks the database in its turn only', (t) => {
  let statements = 0
  for (const name of plugin) {
    for (const [, route, body = ''] of read(name).matchAll(/^route\[(\w+)\] \{\n(.*?)^\}/gms)) {
      if (timers.includes(route)) continue
      for (const [statement] of body.matchAll(/^\t*(if \(\S+ )?sql_x?query\(.*?\);$/gms)) {
        statements++
        const [before = '', after = ''] = body.split(statement)
        t.regex(
          before,
          /(route\(HASHDIAL_ASK\);|if \(!route\(HASHDIAL_TURN\)\) (return|route\(HASHDIAL_WRITE_FAILED\));)\n$/,
          `${route}: ${statement}`,
        )
        t.regex(after, /^\n\t*route\(HASHDIAL_ASKED\);/, `${route}: ${statement}`)
      }
    }
  }
  t.true(statements > 10)
})

test('the plug-in sets no parameter of a module that kamailio.cfg has loaded', (t) => {
  const ours = /^modparam\("(sqlops", "sqlcon"|htable", "htable"|rtimer", "(timer|exec)"), /
  for (const name of plugin) {
    const own = read(name).replace(/^#!ifndef (MOD_\w+)$.*?^#!endif$\n(?!#!endif)/gms, '')
    for (const [line] of own.matchAll(/^(modparam|\w+ *=).*$/gm)) t.regex(line, ours, name)
    t.notRegex(own, /^loadmodule/m, name)
  }
})

test('README gives Kamailio the rights that our own stack gives it', async (t) => {
  const { databaseUrl, site } = await sharedStack()
  const root = databaseUrl.replace(/\/\/[^@]*@/, `//root:${site.secrets.mysqlRoot}@`)
  const connection = await createConnection(root)
  const [rows] = await connection.query<RowDataPacket[]>(`SHOW GRANTS FOR 'kamailio'@'127.0.0.1'`)
  await connection.end()
  const has = rows.map((row) => String(Object.values(row)[0])).filter((grant) => !/^GRANT USAGE/.test(grant))
  const rights = new Recipe('10.0.0').for('sql')[1]!.trim().split('\n')
  const bare = (grant: string) => grant.replace(/`/g, '').replace(/ TO .*$/, '')
  t.deepEqual(rights.map(bare).sort(), has.map(bare).sort())
})

test('README’s first call replaces the address of 1001', async (t) => {
  const setup = await setUp(t)
  const made = [await setup.extension({ username: '1001' }), await setup.extension({ username: '1002' })]
  const script = firstCall()
    .replace(/^key=.*$/m, `key=${setup.accessKey}`)
    .replaceAll('http://127.0.0.1:8080', setup.stack.apiUrl)
  const { status, stderr } = spawnSync('bash', ['-ec', script.replaceAll('curl ', 'curl -f ')], { encoding: 'utf8' })
  t.is(status, 0, stderr)
  const { body } = await setup.api<{ result: { id: string; direct_uri: string }[] }>('GET', '/extensions')
  const changed = made.filter(
    ({ id, direct_uri }) => !body.result.some((now) => now.id === id && now.direct_uri === direct_uri),
  )
  t.deepEqual(
    changed.map(({ username }) => username),
    ['1001'],
  )
})
