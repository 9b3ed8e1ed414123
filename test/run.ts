import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { alone } from '../src/stack/lock.ts'
import { checkout } from '../src/stack/room.ts'
import { startStack } from '../src/stack/stack.ts'
import { Counts } from './support/counts.ts'

/**
 * `npm test`: checks the code, brings up a stack of its own beside one that may run, runs AVA against it, and stops it.
 * Arguments go to AVA (`npm test -- test/api`). HASHDIAL_KEEP_STACK=1 leaves the stack running, for a closer look.
 */
const progress = (line: string): void => console.log(line)
const counts = new Counts()

async function check(): Promise<void> {
  for (const [name, ...args] of [
    ['tsc', '--noEmit'],
    ['eslint', '.'],
    ['prettier', '--check', '--log-level=warn', '.'],
  ]) {
    progress(`# ${name} ${args.join(' ')}`)
    const child = spawn(`node_modules/.bin/${name}`, args, { stdio: 'inherit' })
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) counts.fail(`${name} found mistakes`)
  }
}

async function ava(stack: object): Promise<void> {
  const env = { ...process.env, HASHDIAL_TEST_STACK: JSON.stringify(stack), FORCE_COLOR: '0' }
  const args = [...process.argv.slice(2).map(asPattern)]
  const child = spawn('node_modules/.bin/ava', args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: child.stdout })) {
    console.log(line)
    counts.read(line)
  }
  const code = child.exitCode ?? ((await once(child, 'close')) as [number | null])[0]
  if (code !== 0 && counts.failed === 0) counts.fail(`AVA ended with ${child.signalCode ?? `code ${code}`}`)
}

/** A folder means the tests in it. */
function asPattern(argument: string): string {
  return argument.startsWith('-') || /[*.]/.test(argument) ? argument : `${argument.replace(/\/$/, '')}/**/*.test.ts`
}

async function run(): Promise<void> {
  if (process.env.HASHDIAL_SKIP_CHECKS === undefined) await check()
  // Two runs in one checkout would empty each other's tables.
  const lock = join(checkout, '.stack', 'test.lock')
  mkdirSync(join(checkout, '.stack'), { recursive: true })
  await alone(lock, () => progress('# another test run is under way: waiting for it'), runTests)
}

async function runTests(): Promise<void> {
  const stack = await startStack({ name: 'test', fresh: true, progress, env: { HASHDIAL_FETCH_PRIVATE: '127.0.0.1' } })
  try {
    await ava(stack.describe())
  } finally {
    if (process.env.HASHDIAL_KEEP_STACK === undefined) await stack.stop()
  }
}

await run().catch((error: unknown) => counts.fail(error instanceof Error ? error.message : String(error)))
if (counts.passed + counts.failed === 0) counts.fail('no test ran')
console.log(`\n${counts.passed} passed, ${counts.failed} failed`)
process.exit(counts.failed === 0 ? 0 : 1)
