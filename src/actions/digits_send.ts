import { setTimeout as delay } from 'node:timers/promises'
import Joi from 'joi'
import type { Action } from './action.ts'

interface DigitsSendOptions {
  digits: string
  duration?: number
  interval?: number
}

/** Sends keys to the other side, as a telephone does. After a crash they are not sent a second time. */
export const digits_send: Action<DigitsSendOptions> = {
  about: 'Sends digits to the other side.',
  options: Joi.object({
    digits: Joi.string()
      .pattern(/^[0-9A-Da-d*#]{1,100}$/)
      .required(),
    duration: Joi.number().integer().min(100).max(1_000).unit('milliseconds'),
    interval: Joi.number().integer().min(0).max(5_000).unit('milliseconds'),
  }),

  needs: 'answered',

  async run(run, { digits, duration = 100, interval: between = 100 }) {
    const { call, memory } = run
    const milliseconds = digits.length * duration + (digits.length - 1) * between
    if (memory['until'] === undefined) {
      memory['until'] = Date.now() + milliseconds
      await run.save()
      await call.node.ari.channels.sendDTMF({ channelId: call.channelId, dtmf: digits, between, duration })
    }
    // Asterisk tells nothing of its end.
    await delay(Math.max(0, Number(memory['until']) - Date.now()), undefined, { signal: run.signal })
  },
}
