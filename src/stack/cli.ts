import { existsSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { demoFile, seedDemo, type Demo } from './demo.ts'
import { StackError } from './shell.ts'
import { openStack, startStack } from './stack.ts'

/** `npm start`, `npm run stop`, and `tsx src/stack/cli.ts status`. */
const commands: Record<string, () => Promise<void>> = { start, stop, status }

async function start(): Promise<void> {
  refuseWhatCannotWork()
  const began = Date.now()
  const progress = (line: string) => console.log(line)
  const stack = await startStack({ name: 'main', address: ownAddress(), progress })
  const demo = await seedDemo(stack)
  console.log(whatToTry(demo, Math.round((Date.now() - began) / 1000)))
}

async function stop(): Promise<void> {
  refuseWhatCannotWork()
  const stack = await openStack({ name: 'main' })
  const running = stack.parts.filter(({ pid }) => pid !== undefined).map(({ name }) => name)
  await stack.stop()
  console.log(running.length > 0 ? `stopped: ${running.join(', ')}` : 'nothing was running')
}

async function status(): Promise<void> {
  const stack = await openStack({ name: 'main' })
  for (const part of stack.parts) {
    const state = part.pid === undefined ? (part.died ? `died:\n${part.lastWords}` : 'not running') : `pid ${part.pid}`
    console.log(`${part.name.padEnd(9)} ${state}`)
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

function ownAddress(): string {
  const address = process.env.HASHDIAL_ADDRESS?.trim() || '127.0.0.1'
  const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((entry) => entry.address))
  if (own.includes(address)) return address
  throw new StackError(`HASHDIAL_ADDRESS is ${address}, which is none of this machine’s: ${own.join(', ')}`)
}

function whatToTry(demo: Demo, seconds: number): string {
  const [first, second] = demo.extensions
  const proxy = `outbound="sip:${demo.sip_address}"`
  return `
Hashdial is up (${seconds} s).

  Register a softphone as extension ${first?.username}, for example baresip:
    baresip -e '/uanew <sip:${first?.username}@${first?.domain_name}>;auth_pass=${first?.password};${proxy}'
  and anyone can call it, through ${demo.sip_address}, at
    ${first?.direct_uri}
  Extension ${second?.username} (password ${second?.password}):
    ${second?.direct_uri}

  API   ${demo.api_url}/v1.0   (documentation: ${demo.api_url}/docs)
    curl -H 'Authorization: Bearer ${demo.access_key}' ${demo.api_url}/v1.0/extensions
  A new address for an extension, and the old one is dead:
    curl -X POST -H 'Authorization: Bearer …' ${demo.api_url}/v1.0/extensions/<id>/direct-hash-regenerate

  All of this is in ${demoFile} too. npm run stop ends it.
`
}

try {
  const command = commands[process.argv[2] ?? 'start']
  if (!command) throw new StackError(`use one of: ${Object.keys(commands).join(', ')}`)
  await command()
} catch (error) {
  console.error(error instanceof StackError ? error.message : error)
  process.exitCode = 1
}
