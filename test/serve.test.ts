import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import test from 'ava'
import { checkout } from '../src/stack/room.ts'
import { sharedStack } from './support/setup.ts'

test('the end of `npm run serve` is the end of Hashdial, whoever starts services there', async (t) => {
  const nobody = {
    HASHDIAL_DATABASE_URL: 'mysql://a:b@127.0.0.1:9/nothing',
    HASHDIAL_ARI_URLS: 'http://a:b@127.0.0.1:9',
  }
  const env = { PATH: process.env.PATH, ...nobody }
  const npm = spawn('npm', ['-s', 'run', 'serve'], { cwd: checkout, env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.regex(String(await once(npm.stdout, 'data')), /waiting for the database/)
  npm.kill('SIGTERM') // it alone, not its group
  // Hashdial has the other end of the pipe: it waits for the database for two minutes.
  await once(npm, 'close', { signal: AbortSignal.timeout(20_000) })
  t.pass()
})

test('an API address that is taken is told in a line, and no Asterisk is taken from who has it', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { databaseUrl } = await sharedStack()
  const { port } = other.address() as AddressInfo
  const env = {
    PATH: process.env.PATH,
    HASHDIAL_BASE_DOMAIN: (await sharedStack()).site.baseDomain,
    HASHDIAL_DATABASE_URL: databaseUrl,
    HASHDIAL_ARI_URLS: 'http://a:b@127.0.0.1:9',
    HASHDIAL_API_LISTEN: `127.0.0.1:${port}`,
    HASHDIAL_LOG_LEVEL: 'silent',
  }
  const npm = spawn('npm', ['-s', 'run', 'serve'], { cwd: checkout, env, stdio: ['ignore', 'inherit', 'pipe'] })
  const told: string[] = []
  npm.stderr.on('data', (chunk: Buffer) => told.push(chunk.toString()))
  const [code] = (await once(npm, 'close', { signal: AbortSignal.timeout(30_000) })) as [number]
  t.is(code, 1)
  t.is(told.join(''), `HASHDIAL_API_LISTEN: 127.0.0.1:${port} is taken; name another one, or end what listens there\n`)
})
