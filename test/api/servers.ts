import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { becomesTrue } from '../../src/stack/shell.ts'
import { sharedStack } from '../support/setup.ts'

/** The MySQL of the stack that npm test has brought up, as its root: tests make databases of their own there. */
export async function mysqlUrl(): Promise<string> {
  const given = process.env.HASHDIAL_TEST_DATABASE_URL
  if (given) return given
  const { ports, site } = await sharedStack()
  return `mysql://root:${site.secrets.mysqlRoot}@127.0.0.1:${ports.mysql}/`
}

export interface Mariadb {
  url: string
  stop(): Promise<void>
}

const home = '/opt/mariadb/usr'

/** It has no accounts and no tables of its own: what is looked at here are ours. */
const script = `
set -e
data=$(mktemp -d /stack/mariadb.XXXXXX)
chown mysql "$data"
exec ${home}/sbin/mariadbd --no-defaults --user=mysql --datadir="$data" --basedir=${home} \\
  --lc-messages-dir=${home}/share/mariadb --bind-address=127.0.0.1 --port="$1" --socket="$data/socket" \\
  --pid-file="$data/pid" --skip-grant-tables --skip-networking=0 --innodb-flush-log-at-trx-commit=0
`

/** A MariaDB beside the stack's MySQL, from the same rootfs. */
export async function startMariadb(): Promise<Mariadb> {
  const given = process.env.HASHDIAL_TEST_MARIADB_URL
  if (given) return { url: given, stop: () => Promise.resolve() }
  const stack = await sharedStack()
  const port = await freeTcpPort()
  const child = stack.spawn('sh', ['-c', script, 'sh', String(port)], { stdio: 'ignore' })
  const url = `mysql://root@127.0.0.1:${port}/`
  const closed = once(child, 'close')
  if (!(await becomesTrue(30_000, () => child.exitCode !== null || answers(url))) || child.exitCode !== null)
    throw new Error(`MariaDB did not start; its folder is in ${join(stack.folder)}`)
  return {
    url,
    async stop() {
      child.kill('SIGKILL')
      await closed
      await stack.run('sh', ['-c', 'rm -rf /stack/mariadb.??????'])
    },
  }
}

async function answers(url: string): Promise<boolean> {
  const connection = await createConnection(url).catch(() => undefined)
  await connection?.end()
  return connection !== undefined
}

async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
