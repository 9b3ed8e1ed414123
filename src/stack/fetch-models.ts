import { ensureModels } from './models.ts'
import { StackError } from './shell.ts'

/** `npm run models`: the last line is the folder of the models. */
const print = (line: string) => process.stdout.write(`${line}\n`)

try {
  print(await ensureModels(print))
} catch (error) {
  process.stderr.write(`${error instanceof StackError ? error.message : String(error)}\n`)
  process.exitCode = 1
}
