import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Setup } from './setup.ts'

/**
 * The longest time that the event loop was held while something was done, in milliseconds. 50 are promised; the tests
 * allow more, for the machine may be busy with something else.
 */
export async function longestDelay(work: () => Promise<unknown>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  await sleep(5)
  histogram.enable()
  await work()
  await sleep(5)
  histogram.disable()
  return histogram.max / 1e6
}

/** The longest time that the event loop of the stack's Hashdial was held since this was asked last, in milliseconds. */
export async function longestDelayOf({ stack }: Setup): Promise<number> {
  const response = await fetch(`${stack.apiUrl}/metrics`)
  const [, seconds = ''] = /^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(await response.text()) ?? []
  return Number(seconds) * 1_000
}
