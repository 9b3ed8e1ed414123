import type { Stack } from '../src/stack/stack.ts'
import { callsAt, type Contestant } from './load.ts'
import { processorMsOf } from './processes.ts'

const parts = ['kamailio', 'asterisk', 'hashdial', 'mysql'] as const
type Part = (typeof parts)[number]

/** A rate that every machine holds, so that what is measured is what a call takes and not what overload does. */
const rate = 100
const count = 3_000

/**
 * How many milliseconds of processor each process takes for a call, with all of its children. Calls a second swing from
 * machine to machine with how the cores are shared; this does not.
 */
export async function processorPerCall(stack: Stack, contestant: Contestant): Promise<Record<Part, number>> {
  const before = processorMs(stack)
  const { done } = await callsAt(stack, contestant, rate, count)
  const after = processorMs(stack)
  return Object.fromEntries(parts.map((part) => [part, (after[part] - before[part]) / done])) as Record<Part, number>
}

export function told(perCall: Record<Part, number>): string {
  const all = parts.reduce((sum, part) => sum + perCall[part], 0)
  return `${parts.map((part) => `${part} ${perCall[part].toFixed(2)}`).join(', ')}, together ${all.toFixed(2)}`
}

function processorMs(stack: Stack): Record<Part, number> {
  return Object.fromEntries(parts.map((part) => [part, processorMsOf(stack.part(part).pid!)])) as Record<Part, number>
}
