import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import { tunables } from '../src/stack/environment.ts'
import { kamailioArguments, kamailioEnv } from '../src/stack/kamailio.ts'
import { checkout } from '../src/stack/room.ts'
import { becomesTrue } from '../src/stack/shell.ts'
import { openStack, readSettings } from '../src/stack/stack.ts'

/** A stack of this file’s own, as people have it: with a supervisor. */
const options = {
  name: 'supervised',
  supervise: true,
  ports: { sip: 17260, api: 17280, asteriskSip: 17270, ari: 17288, mysql: 17516, rtpFrom: 18200, rtpTo: 18299 },
}
const own = await openStack(options)
test.after.always(async () => {
  await own.stop()
  rmSync(own.folder, { recursive: true, force: true })
})

type Health = Record<'status' | 'mysql' | 'kamailio' | 'ari', string>
const health = async (): Promise<Health> => (await (await fetch(`${own.apiUrl}/health`)).json()) as Health
const isWell = () =>
  health().then(
    ({ status }) => status === 'ok',
    () => false,
  )
const sees = (part: keyof Health) =>
  becomesTrue(10_000, async () => /^d/.test((await health().catch(() => undefined))?.[part] ?? ''))

test.serial('a start whose port is taken says so before anything is started, and by whom', async (t) => {
  const taker = createServer().listen(own.ports.mysql, '127.0.0.1')
  await once(taker, 'listening')
  t.teardown(() => taker.close())
  const error = await t.throwsAsync(own.start(options))
  const who = `port ${own.ports.mysql} \\(TCP, 127.0.0.1\\) is taken by .+, process ${process.pid}`
  t.regex(error.message, new RegExp(`^${who}\\. Nothing was started$`))
  t.true(own.parts.every(({ pid }) => pid === undefined))
  t.false(existsSync(join(own.folder, 'mysql/data')))
})

test.serial('a start that is interrupted leaves nothing that runs, and the next one is whole', async (t) => {
  const script = `
    const { openStack } = await import('${checkout}/src/stack/stack.ts')
    const stack = await openStack(${JSON.stringify(options)})
    process.on('SIGINT', () => stack.interrupt().then(() => process.exit(130)))
    await stack.start({}).catch(() => undefined)
    await new Promise(() => undefined)`
  const start = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { cwd: checkout })
  t.true(await becomesTrue(30_000, () => own.part('asterisk').pid !== undefined))
  start.kill('SIGINT')
  t.is((await once(start, 'exit'))[0], 130)
  t.true(own.parts.every(({ pid }) => pid === undefined))
  await own.start(options)
  t.true(await isWell())
})

test.serial('a start that is interrupted while all runs leaves it running, and supervised', async (t) => {
  const again = await openStack(options)
  const start = again.start(options)
  t.true(await becomesTrue(30_000, () => own.supervisor.pid === undefined))
  await again.interrupt()
  await start.catch(() => undefined)
  t.deepEqual(
    [own.supervisor, ...own.parts].filter(({ pid }) => pid === undefined).map(({ name }) => name),
    [],
  )
})

test.serial('a part that has died is told by health, and started again; those that were stopped stay so', async (t) => {
  t.deepEqual(readSettings('supervised').ports, own.ports)
  for (const [name, part] of [
    ['asterisk', 'ari'],
    ['mysql', 'mysql'],
  ] as const) {
    const before = own.part(name).pid!
    const died = sees(part)
    process.kill(before, 'SIGKILL')
    t.true(await died, `health knows of ${name}`)
    t.true(await becomesTrue(60_000, isWell), `${name} is back`)
    t.not(own.part(name).pid, before)
  }
  for (const name of ['kamailio', 'hashdial'] as const) {
    const before = own.part(name).pid!
    process.kill(before, 'SIGKILL') // of Kamailio its first process, whose children hold its ports
    t.true(await becomesTrue(60_000, async () => ![before, undefined].includes(own.part(name).pid) && (await isWell())))
  }
  const log = readFileSync(join(own.folder, 'supervisor.log'), 'utf8')
  for (const { name } of own.parts) t.regex(log, new RegExp(`Z ${name} has died; it is started again in .*`))
})

test.serial('after everything was killed a start is quiet and works; a stop ends the supervisor too', async (t) => {
  for (const { pid } of [own.supervisor, ...own.parts]) process.kill(pid!, 'SIGKILL')
  t.true(await becomesTrue(5_000, () => own.parts.every(({ pid }) => pid === undefined)))
  const lines: string[] = []
  await own.start({ supervise: true, progress: (line) => lines.push(line) })
  t.is(lines.length, 4, lines.join('\n'))
  for (const line of lines) t.regex(line, /^\w+ had died and is started again; .*\.log\.1$/)
  t.true(await isWell())
  await own.stop()
  t.true([own.supervisor, ...own.parts].every(({ pid }) => pid === undefined))
})

test.serial('a stop names also what a part that died has left', async (t) => {
  await own.start({})
  process.kill(own.part('kamailio').pid!, 'SIGKILL') // its workers live on
  await becomesTrue(5_000, () => own.part('kamailio').died)
  await own.part('hashdial').stop()
  t.deepEqual(await own.stop(), ['mysql', 'asterisk', 'kamailio'])
  t.deepEqual(await own.stop(), [])
})

test.serial('an edge that has died is not ok 3 s later', async (t) => {
  await own.start({})
  await own.part('kamailio').kill9()
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  t.like(await health(), { status: 'degraded', kamailio: 'down', mysql: 'ok' })
  await own.stop()
})

test('what is set for the start is used, or named as ignored', (t) => {
  const lines: string[] = []
  const env = {
    ...{ HASHDIAL_RING_SECONDS: '20', HASHDIAL_MISSES: '5', HASHDIAL_ADDRESS: '127.0.0.1', PATH: '/bin' },
    ...{ HASHDIAL_DATABASE_URL: 'mysql://a:hunter2@b/c', HASHDIAL_RNG_SECONDS: '20', HASHDIAL_LOG_LEVEL: '' },
  }
  t.deepEqual(
    tunables(env, (line) => lines.push(line)),
    { HASHDIAL_MISSES: '5', HASHDIAL_RING_SECONDS: '20' },
  )
  t.regex(lines.join('\n'), /^HASHDIAL_DATABASE_URL is ignored: .*\nHASHDIAL_RNG_SECONDS is ignored: .*$/)
  t.notRegex(lines.join('\n'), /hunter2/)
  // Kamailio's own words for such a one are a line of a file and `syntax error`.
  const wrong = { RING_SECONDS: 'long', MISSES: 'few', CHILDREN: '0', CHALLENGE: '403', PATH_PROXIES: 'proxy.test' }
  for (const [name, value] of Object.entries(wrong)) {
    t.throws(() => tunables({ [`HASHDIAL_${name}`]: value }, () => undefined), {
      message: new RegExp(`^HASHDIAL_${name} (is|has) "${value}"; give `),
    })
  }
})

test('an IPv6 address stands in brackets where a port follows', (t) => {
  const site = { ...own.site, address: '::1' }
  t.true(kamailioArguments(site).includes(`udp:[::1]:${own.ports.sip}`))
  t.is(kamailioEnv(site).HASHDIAL_TRUNK_SOCKET, `udp:[::1]:${own.ports.sip}`)
})

test.serial('a checkout that its owner alone can read serves the users of the stack', async (t) => {
  const closed = join(checkout, 'test/closed.txt')
  writeFileSync(closed, 'x', { mode: 0o600 })
  t.teardown(() => rmSync(closed))
  const { code, output } = await own.run('cat', ['/hashdial/kamailio/kamailio.cfg', '/hashdial/test/closed.txt'], {
    user: 'kamailio',
  })
  t.is(code, 0, output)
})
