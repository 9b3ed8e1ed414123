import { existsSync } from 'node:fs'
import { seedDemo } from './demo.ts'
import { tunables } from './environment.ts'
import { ensureModels } from './models.ts'
import { ownAddress, whatToTry } from './tell.ts'
import { StackError } from './shell.ts'
import { openStack, type Stack } from './stack.ts'

/** `npm start`, `npm run stop`, and `tsx src/stack/cli.ts status`. */
const commands: Record<string, () => Promise<void>> = { start, stop, status }

async function start(): Promise<void> {
  refuseWhatCannotWork()
  const began = Date.now()
  const progress = (line: string) => console.log(line)
  const options = {
    name: 'main',
    address: ownAddress(),
    env: tunables(process.env, progress),
    progress,
    supervise: true,
  }
  const opening = openStack(options)
  stopWhenInterrupted(opening)
  const stack = await opening
  await fetchModels(progress)
  await stack.start(options)
  const demo = await seedDemo(stack)
  console.log(whatToTry(demo, Math.round((Date.now() - began) / 1000), 'npm run stop'))
}

/** Without them everything works but understanding speech: the demo's AI hears nobody. */
async function fetchModels(progress: (line: string) => void): Promise<void> {
  await ensureModels(progress).catch((error: unknown) => {
    progress(
      `the models for speech recognition could not be fetched (${(error as Error).message}); later: npm run models`,
    )
  })
}

/** Ctrl-C, or the end of the terminal, leaves nothing behind that runs. */
function stopWhenInterrupted(opening: Promise<Stack>): void {
  let stack: Stack | undefined
  opening.then((opened) => (stack = opened)).catch(() => undefined)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (interrupted) return
      interrupted = true
      console.error('interrupted: what was started is stopped')
      void (stack?.interrupt() ?? Promise.resolve()).finally(() => process.exit(130))
    })
  }
}

async function stop(): Promise<void> {
  refuseWhatCannotWork()
  const stack = await openStack({ name: 'main' })
  const ended = await stack.stop()
  console.log(ended.length > 0 ? `stopped: ${ended.join(', ')}` : 'nothing was running')
}

async function status(): Promise<void> {
  const stack = await openStack({ name: 'main' })
  for (const part of [...stack.parts, stack.supervisor]) {
    const state = part.pid === undefined ? (part.died ? `died:\n${part.lastWords}` : 'not running') : `pid ${part.pid}`
    console.log(`${part.name.padEnd(10)} ${state}`)
  }
}

/** What the stack is made of needs Debian’s tools and the right to mount; anywhere else there is Docker. */
function refuseWhatCannotWork(): void {
  const otherwise = 'With a Docker engine instead: docker compose up'
  if (process.platform !== 'linux' || !existsSync('/usr/bin/apt-get')) {
    throw new StackError(`npm start builds a small Debian, which takes a Debian or Ubuntu machine. ${otherwise}`)
  }
  if (process.getuid?.() !== 0) {
    throw new StackError(
      `npm start needs root, to run its parts in a folder of their own: sudo npm start. ${otherwise}`,
    )
  }
}

let interrupted = false
try {
  const command = commands[process.argv[2] ?? 'start']
  if (!command) throw new StackError(`use one of: ${Object.keys(commands).join(', ')}`)
  await command()
} catch (error) {
  if (!interrupted) console.error(error instanceof StackError ? error.message : error)
  process.exitCode = 1
}
