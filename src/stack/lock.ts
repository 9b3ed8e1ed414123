import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isAlive, startTimeOf } from './pid.ts'
import { becomesTrue, StackError } from './shell.ts'

/**
 * One process at a time does `work`. The lock is a file with its owner; one whose owner has died is taken over.
 * `waiting` is called once, when somebody else has it.
 */
export async function alone<T>(file: string, waiting: () => void, work: () => Promise<T>): Promise<T> {
  let told = false
  const minutes = 15
  const got = await becomesTrue(minutes * 60_000, () => {
    if (take(file)) return true
    if (!told) waiting()
    told = true
    return false
  })
  if (!got) throw new StackError(`${file} is still there after ${minutes} minutes: remove it if nothing is running`)
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

function take(file: string): boolean {
  try {
    writeFileSync(file, `${process.pid} ${startTimeOf(process.pid)}`, { flag: 'wx' })
    return true
  } catch {
    const [pid, startTime = ''] = existsSync(file) ? readFileSync(file, 'utf8').split(' ') : []
    if (startTime === '' || isAlive({ pid: Number(pid), startTime })) return false
    rmSync(file, { force: true }) // abandoned: nobody is to be waited for
    return take(file)
  }
}
