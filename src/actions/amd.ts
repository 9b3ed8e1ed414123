import Joi from 'joi'
import { detectMachine, stopDetection } from '../media/amd.ts'
import type { Action, ActionRun } from './action.ts'
import { setVariable } from './variables.ts'

interface AmdOptions {
  machine_handle?: 'hangup' | 'continue'
  async?: boolean
}

/**
 * Listens whether a machine has answered (app_amd). What it found is in hashdial.call.amd_status (human, machine,
 * notsure) and hashdial.call.amd_cause. A call to a machine ends, unless `machine_handle` is continue. With `async` the
 * flow goes on meanwhile.
 */
export const amd: Action<AmdOptions> = {
  about:
    'Listens whether a machine has answered: `hashdial.call.amd_status` is then human, machine or notsure. A call to a machine ends, unless `machine_handle` is continue.',
  options: Joi.object({ machine_handle: Joi.valid('hangup', 'continue'), async: Joi.boolean() }),

  needs: 'answered',

  async run(run, { machine_handle = 'hangup', async }) {
    const { call } = run
    const detection = detect(run, machine_handle)
    if (!async) return detection
    detection.catch((error: unknown) => {
      if (!call.hasEnded) call.log.warn({ err: error as Error }, 'nobody knows whether a machine has answered')
    })
  },
}

async function detect(run: ActionRun, handle: string): Promise<void> {
  const { call, memory } = run
  const attempt = Number(memory['attempt'] ?? 0)
  memory['attempt'] = attempt + 1
  await run.save()
  // What an earlier run has begun tells its result to nobody; its names are taken until it is quite gone.
  if (attempt > 0) await stopDetection(call, `${run.id}-${attempt - 1}`)
  const { status, cause } = await detectMachine(run, `${run.id}-${attempt}`)
  setVariable(run.variables, 'hashdial.call.amd_status', status)
  setVariable(run.variables, 'hashdial.call.amd_cause', cause)
  if (status === 'machine' && handle === 'hangup') await call.hangup('amd')
}
