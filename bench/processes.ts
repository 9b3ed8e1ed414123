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

/** The clock of /proc/<pid>/stat (proc(5), sysconf(_SC_CLK_TCK)). */
const tickMs = 10

/** How many milliseconds of processor a program and its children have taken. */
export function processorMsOf(group: number): number {
  const ticks = filesOf(group, 'stat').map((text) => {
    const fields = text.split(') ').at(-1)!.split(' ')
    return Number(fields[11]) + Number(fields[12])
  })
  return ticks.reduce((sum, count) => sum + count, 0) * tickMs
}
