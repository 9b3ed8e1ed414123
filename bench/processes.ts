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

/** What a program and its children occupy together in bytes, each shared page counted once (proc(5), smaps_rollup, Pss). */
export function memoryOf(group: number): number {
  const sizes = filesOf(group, 'smaps_rollup').map((text) => Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024)
  return sizes.reduce((sum, size) => sum + size, 0)
}
