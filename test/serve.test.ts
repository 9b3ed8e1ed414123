import { spawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'ava'
import { checkout } from '../src/stack/room.ts'

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
