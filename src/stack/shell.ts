import { spawn } from 'node:child_process'

/** Something the operator can understand and mend: the command line shows its message without a stack trace. */
export class StackError extends Error {
  override name = 'StackError'
}

export interface CommandOptions {
  env?: NodeJS.ProcessEnv
  input?: string
  /** What it is called when it fails, where the name is only a wrapper. */
  title?: string
}

/** Runs a command to its end and returns its output; a failure carries the last lines of what it said. */
export function command(name: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, { env: options.env ?? process.env, stdio: 'pipe' })
    const end = () => child.kill() // it does not go on without us
    process.once('exit', end)
    child.once('close', () => process.off('exit', end))
    let output = ''
    let errors = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    child.on('error', (error) => reject(new StackError(`${name} could not be started: ${error.message}`)))
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(output)
      const said = lastLines(errors.trim() === '' ? output : errors)
      reject(new StackError(`${options.title ?? name} ended with ${signal ?? `code ${code}`}:\n${said}`))
    })
    child.stdin.on('error', () => undefined) // a command that ends before it has read its input
    child.stdin.end(options.input ?? '')
  })
}

export function lastLines(text: string, count = 15): string {
  return text
    .trimEnd()
    .split('\n')
    .slice(-count)
    .map((line) => `  | ${line}`)
    .join('\n')
}

/** Asks `answer` again and again until it is true; false when `milliseconds` have passed. */
export async function becomesTrue(milliseconds: number, answer: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + milliseconds
  for (;;) {
    if (await answer()) return true
    if (Date.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, 40))
  }
}
