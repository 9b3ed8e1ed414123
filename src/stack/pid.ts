import { readFileSync } from 'node:fs'

/** A pid alone is not proof: the kernel gives it to another program later. With its start time it is one process. */
export interface ProcessId {
  pid: number
  startTime: string
}

/** The start time in clock ticks since boot (field 22 of proc_pid_stat(5)), '' when there is no such process. */
export function startTimeOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? '' : (fields[19] ?? '') // a zombie has ended, its parent just has not asked
  } catch {
    return ''
  }
}

export function isAlive(id: ProcessId): boolean {
  return id.startTime !== '' && startTimeOf(id.pid) === id.startTime
}
