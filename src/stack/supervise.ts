import { setTimeout as sleep } from 'node:timers/promises'
import type { Part } from './part.ts'
import { openStack, readSettings } from './stack.ts'

/**
 * `tsx src/stack/supervise.ts <stack>`: starts a part of the stack again that has died, for as long as it runs. It is the
 * stack's own `restart: unless-stopped`; `npm start` begins it and `npm run stop` ends it. Its log says what it did.
 */
const lookMs = 500
/** Before the next try, in milliseconds: doubled from the first to the last while a part dies again within a minute. */
const waitMs = { first: 500, last: 30_000 }
const settledMs = 60_000

const say = (text: string): void => void process.stdout.write(`${new Date().toISOString()} ${text}\n`)

async function superviseFor(part: Part): Promise<never> {
  let wait = waitMs.first
  for (let started = 0; ;) {
    await sleep(lookMs)
    if (!part.died) continue
    if (Date.now() - started > settledMs) wait = waitMs.first
    say(`${part.name} has died; it is started again in ${wait / 1000} s. Its last words:\n${part.lastWords}`)
    await sleep(wait)
    wait = Math.min(wait * 2, waitMs.last)
    started = Date.now()
    await part.start().then(
      () => say(`${part.name} is up again`),
      (error: unknown) => say((error as Error).message),
    )
  }
}

process.once('SIGTERM', () => process.exit(0))
const name = process.argv[2] ?? 'main'
const stack = await openStack(readSettings(name))
say(`watching ${stack.parts.map((part) => part.name).join(', ')}`)
await Promise.all(stack.parts.map(superviseFor))
