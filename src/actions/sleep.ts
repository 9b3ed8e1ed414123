import { setTimeout as delay } from 'node:timers/promises'
import Joi from 'joi'
import type { CallFacts } from '../calls/call.ts'
import type { Action, ActionRun } from './action.ts'

interface SleepOptions {
  duration: number
}

/** Waits. After a crash, for what is left of it. */
export const sleep: Action<SleepOptions> = {
  about: 'Waits.',
  options: Joi.object({ duration: Joi.number().integer().min(0).max(86_400_000).unit('milliseconds').required() }),

  worksWithoutCaller: true,
  // Its end is in memory before the engine's own write is made, so one write is enough.
  prefetch: true,

  async run(run: ActionRun<CallFacts>, { duration }) {
    const until = Number((run.memory['until'] ??= Date.now() + duration))
    await run.stored
    await delay(Math.max(0, until - Date.now()), undefined, { signal: run.signal })
  },
}
