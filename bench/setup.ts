import type { ExecutionContext } from 'ava'
import type { Stack } from '../src/stack/stack.ts'
import { setUp, type Setup } from '../test/support/setup.ts'

/** A customer of the bench's own, and makers of what it talks to, as tests have them; all is gone when the work is done. */
export async function withSetup<T>(
  stack: Stack,
  title: string,
  work: (setup: Setup, t: ExecutionContext) => Promise<T>,
): Promise<T> {
  const teardowns: (() => unknown)[] = []
  const fake = { title, teardown: (end: () => unknown) => void teardowns.unshift(end) }
  const t = fake as unknown as ExecutionContext
  try {
    return await work(await setUp(t, stack), t)
  } finally {
    for (const end of teardowns) await end()
  }
}

/** Of sorted numbers the one below which this part of them is. */
export const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN
