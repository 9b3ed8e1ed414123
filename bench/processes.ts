import { readdirSync, readFileSync } from 'node:fs'

/** The text of this file of /proc (proc(5)) for each process of the group: a program of the stack and its children. */
export function filesOf(group: number, file: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return []
    try {
      const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? ''
      return Number(afterName.split(' ')[2]) === group ? [readFileSync(`/proc/${pid}/${file}`, 'utf8')] : []
    } catch {
      return [] // it has ended meanwhile
    }
  })
}
