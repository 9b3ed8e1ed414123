import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { Pool, type PoolOptions } from '../../src/voice/pool.ts'
import { never } from './support.ts'

const answerJobs = new URL('../../src/voice/answer-jobs.ts', import.meta.url)

/** One process, which answers each job with itself, in the order in which they come to it. */
async function pool(t: ExecutionContext, options: Partial<PoolOptions> = {}): Promise<Pool<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'pool-'))
  const file = join(folder, 'echo.mts')
  await writeFile(file, `import { answerJobs } from '${answerJobs.href}'\nanswerJobs((job) => job)\n`)
  const made = new Pool<string, string>({
    ...{ file: pathToFileURL(file), data: undefined, count: 1, jobSeconds: 30, waiting: 50 },
    ...options,
  })
  t.teardown(async () => {
    await made.close()
    await rm(folder, { recursive: true })
  })
  return made
}

test('the owners of jobs take turns, however many one of them brings', async (t) => {
  const { run } = await ordered(t)
  const order = await run([...jobs('a', 20), ...jobs('b', 2), ...jobs('c', 1)])
  t.deepEqual(order.slice(0, 6), ['a0', 'a1', 'b0', 'c0', 'a2', 'b1'])
  t.deepEqual(order.slice(6), jobs('a', 20).slice(3))
})

test('an owner who brings too much is refused, and nobody else', async (t) => {
  const made = await pool(t, { waiting: 3 })
  const all = [...jobs('a', 6), ...jobs('b', 1)].map((job) => made.run(job, never(), job[0]))
  const ends = await Promise.allSettled(all)
  // The first is not waiting any more.
  t.deepEqual(
    ends.map(({ status }) => status),
    [...Array.from({ length: 4 }, () => 'fulfilled'), 'rejected', 'rejected', 'fulfilled'],
  )
})

test('who aborts while he waits takes nobody out of his turn', async (t) => {
  const { made, run } = await ordered(t)
  const gone = new AbortController()
  const first = run(jobs('a', 2))
  const aborted = made.run('b0', gone.signal, 'b')
  const others = run(jobs('b', 1).concat(jobs('c', 1)))
  gone.abort(new Error('gone'))
  await t.throwsAsync(aborted, { message: 'gone' })
  await Promise.all([first, others])
  t.deepEqual(await run(['b1']), ['a0', 'a1', 'b0', 'c0', 'b1'])
})

const jobs = (owner: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${owner}${index}`)

async function ordered(t: ExecutionContext) {
  const made = await pool(t)
  const order: string[] = []
  const run = async (all: string[]) => {
    await Promise.all(all.map(async (job) => order.push(await made.run(job, never(), job[0]))))
    return order
  }
  return { made, run }
}
