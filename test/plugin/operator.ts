import { spawn } from 'node:child_process'
import { appendFileSync, chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { checkout, Room } from '../../src/stack/room.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { giveTo } from '../../src/stack/site.ts'
import { answers, works } from './phones.ts'
import { Program } from './program.ts'
import { Recipe } from './readme.ts'

/** Takes the place of README's 10.0.0: the ports of these addresses are Debian's own. */
export const network = '127.88.0'
export const kamailioAddress = `${network}.5`
/** What his phones register at. */
export const domain = 'pbx.example.org'
export const asteriskAddress = `${network}.7`
const databaseAddress = `${network}.3`

type Part = 'database' | 'asterisk' | 'hashdial' | 'kamailio'

/**
 * The machines of an operator: Debian's Kamailio and Asterisk with the configuration of their packages, and a few lines of
 * his own for his phones (they register with Kamailio, or with Asterisk) and the trunk between the two.
 */
export class Operator {
  readonly recipe = new Recipe(network)
  readonly #parts = new Map<Part, Program>()
  readonly #kamailio: Room
  readonly #asterisk: Room

  /** `kamailio` is the rootfs with Kamailio and the database, `asterisk` the one with Asterisk. */
  constructor(
    kamailio: string,
    asterisk: string,
    readonly database: 'mysql' | 'mariadb',
    readonly folder: string,
  ) {
    rmSync(folder, { recursive: true, force: true })
    this.#kamailio = new Room(kamailio, join(folder, 'kamailio'), { 'kamailio/etc': '/etc/kamailio' })
    this.#asterisk = new Room(asterisk, join(folder, 'asterisk'))
    for (const [room, name] of [
      [this.#kamailio, 'kamailio'],
      [this.#asterisk, 'asterisk'],
    ] as const) {
      mkdirSync(room.folder, { recursive: true })
      chmodSync(room.folder, 0o755)
      room.furnish()
      cpSync(join(room.rootfs, 'etc', name), join(room.folder, name, 'etc'), { recursive: true })
      readable(join(room.folder, name, 'etc'))
    }
    chmodSync(folder, 0o755)
    giveTo(this.#kamailio, 'kamailio', 'run/kamailio')
    giveTo(this.#asterisk, 'asterisk', 'run/asterisk', 'asterisk/lib', 'asterisk/log', 'asterisk/spool')
    for (const name of ['outgoing', 'recording', 'tmp']) {
      mkdirSync(join(this.#asterisk.folder, 'asterisk/spool', name))
      giveTo(this.#asterisk, 'asterisk', `asterisk/spool/${name}`)
    }
    this.edit('kamailio.cfg', (text) =>
      text
        .replace(/^# listen=udp:10.0.0.10:5060$/m, ownListen)
        .replace(/^#!KAMAILIO$/m, '$&\n#!define WITH_PSTN')
        .replace('pstn.gw_ip = ""', `pstn.gw_ip = "${asteriskAddress}"`),
    )
    this.add('asterisk', 'pjsip.conf', ownPjsip)
    this.add('asterisk', 'extensions.conf', ownExtensions)
  }

  /** Changes a file of /etc/kamailio, which must change something. */
  edit(name: string, change: (text: string) => string): void {
    const file = join(this.#kamailio.folder, 'kamailio/etc', name)
    const before = readFileSync(file, 'utf8')
    const after = change(before)
    if (after === before) throw new Error(`${name} is as it was: the place to change is not there`)
    writeFileSync(file, after)
  }

  /** Adds to the end of a file of /etc/asterisk or /etc/kamailio. */
  add(of: 'asterisk' | 'kamailio', name: string, text: string): void {
    const room = of === 'asterisk' ? this.#asterisk : this.#kamailio
    appendFileSync(join(room.folder, of, 'etc', name), `\n${text}`)
  }

  part(name: Part): Program {
    return this.#parts.get(name)!
  }

  async start(name: Part): Promise<void> {
    await this.#parts.get(name)?.stop()
    this.#parts.set(name, await this[name === 'database' ? 'startDatabase' : name]())
  }

  async stop(): Promise<void> {
    for (const program of [...this.#parts.values()].reverse()) await program.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  async sql(statements: string): Promise<void> {
    const connection = await this.#administrator()
    await connection.query(statements)
    await connection.end()
  }

  /** What Asterisk's command line says. */
  async cli(command: string): Promise<string> {
    return (await this.#asterisk.run('asterisk', ['-rx', command], { user: 'asterisk' })).output
  }

  #administrator() {
    const password = this.recipe.secret('administrator')
    return createConnection({ host: databaseAddress, user: 'admin', password, multipleStatements: true })
  }

  async startDatabase(): Promise<Program> {
    const room = this.#kamailio
    const account = `'admin'@'%'`
    mkdirSync(join(room.folder, 'database'), { recursive: true })
    writeFileSync(
      join(room.folder, 'administrator.sql'),
      `CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY '${this.recipe.secret('administrator')}';\n` +
        `GRANT ALL ON *.* TO ${account} WITH GRANT OPTION;\n`,
    )
    giveTo(room, 'mysql', 'database', 'run/mysqld')
    const listen = `--bind-address=${databaseAddress} --port=3306 --init-file=/stack/administrator.sql`
    const child = room.spawn('sh', ['-ec', `${servers[this.database]} ${listen}`], { user: 'mysql' })
    return Program.start(this.database, child, () =>
      works(this.#administrator().then((connection) => connection.end())),
    )
  }

  async kamailio(): Promise<Program> {
    // the workers of the one before end a moment after it
    await becomesTrue(10_000, async () => !(await answers(kamailioAddress)))
    // as kamailio.service does; in a PID namespace, so that no worker outlives it
    const [, memory = '8'] = /^PKG_MEMORY=(\d+)$/m.exec(this.recipe.for('/etc/default/kamailio').join('\n')) ?? []
    const options = ['-DD', '-E', '-m', '64', '-M', memory, '-u', 'kamailio', '-g', 'kamailio']
    const args = [
      ...pidNamespace,
      'sh',
      '-c',
      '"$@"; exit',
      'sh',
      'kamailio',
      '-f',
      '/etc/kamailio/kamailio.cfg',
      ...options,
    ]
    return Program.start('Kamailio', this.#kamailio.spawn('unshare', args), () => answers(kamailioAddress))
  }

  async asterisk(): Promise<Program> {
    const child = this.#asterisk.spawn('asterisk', ['-f', '-n'], { user: 'asterisk' })
    const program = await Program.start('Asterisk', child, () => answers(asteriskAddress))
    await this.cli('core waitfullybooted')
    return program
  }

  hashdial(): Promise<Program> {
    const [environment = ''] = this.recipe.for('/etc/hashdial.env')
    const [serve = ''] = this.recipe.for('sh')
    writeFileSync(join(this.folder, 'hashdial.env'), environment)
    const script = serve
      .replace('/etc/hashdial.env', join(this.folder, 'hashdial.env'))
      .replace('exec npm', 'exec npm -s')
    const leash = ['--pdeathsig', 'KILL', 'unshare', ...pidNamespace]
    const child = spawn('setpriv', [...leash, 'sh', '-c', script], { cwd: checkout, stdio: 'pipe' })
    const url = `http://${network}.9:8080/health`
    const health = async () => ((await (await fetch(url)).json()) as { ari?: string }).ari === 'ok'
    return Program.start('Hashdial', child, () => health().catch(() => false))
  }
}

/** What runs in it ends with its first process, and that with the one that was started unless it changes its user. */
const pidNamespace = ['--pid', '--fork', '--kill-child=KILL']

/** Its data need not outlive the machine. */
const quick = '--skip-log-bin --innodb-flush-method=nosync --innodb-doublewrite=OFF'

const servers = {
  mysql: `[ -d /stack/database/mysql ] || mysqld --initialize-insecure --datadir=/stack/database ${quick}
exec mysqld --datadir=/stack/database ${quick} --mysqlx=OFF --secure-file-priv= --socket=/run/mysqld/mysqld.sock \
--pid-file=/run/mysqld/mysqld.pid`,
  mariadb: `[ -d /stack/database/mysql ] || mariadb-install-db --datadir=/stack/database --skip-test-db
exec mariadbd --datadir=/stack/database --socket=/run/mysqld/mysqld.sock --pid-file=/run/mysqld/mysqld.pid`,
}

// behind a 1:1 NAT
const ownListen = `listen=udp:${kamailioAddress}:5060 advertise 203.0.113.5:5060
listen=tcp:${kamailioAddress}:5060 advertise 203.0.113.5:5060
alias="${domain}"`

const ownPjsip = `[transport-udp]
type = transport
protocol = udp
bind = ${asteriskAddress}:5060

; the trunk from and to Kamailio, known by its address
[edge]
type = endpoint
transport = transport-udp
context = from-edge
direct_media = no
disallow = all
allow = ulaw
outbound_proxy = sip:${kamailioAddress}:5060\\;lr
[edge]
type = identify
endpoint = edge
match = ${kamailioAddress}

; a phone of Asterisk's own
[2001]
type = endpoint
transport = transport-udp
context = from-edge
disallow = all
allow = ulaw
auth = 2001
aors = 2001
[2001]
type = auth
auth_type = userpass
username = 2001
password = two thousand and one
[2001]
type = aor
max_contacts = 1
remove_existing = yes
`

const ownExtensions = `[from-edge]
exten => _+X.,1,Answer()
 same => n,Wait(30)
exten => _10XX,1,Dial(PJSIP/edge/sip:\${EXTEN}@${domain},20)
exten => 2001,1,Dial(PJSIP/2001,20)
`

function readable(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) readable(path)
    if (!entry.isSymbolicLink()) chmodSync(path, entry.isDirectory() ? 0o755 : 0o644)
  }
}
