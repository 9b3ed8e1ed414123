import Joi from 'joi'
import { playTo } from '../media/playback.ts'
import { flowId, type Action } from './action.ts'
import type { House } from './house.ts'

interface RecordingOptions {
  format?: 'wav'
  end_of_silence?: number
  end_of_key?: string
  duration?: number
  beep_start?: boolean
  on_end_flow_id?: string
}

/** Begins a recording of both parties and goes on at once; it lasts until one of its ends, recording_stop, or the call's end. */
export const recording_start: Action<RecordingOptions> = {
  about: 'Begins a recording of both parties, and goes on at once.',
  options: Joi.object({
    format: Joi.valid('wav'),
    end_of_silence: Joi.number().integer().min(0).max(3_600).unit('seconds'),
    end_of_key: Joi.string()
      .allow('')
      .pattern(/^([0-9A-D*#]{0,16}|any|none)$/),
    duration: Joi.number().integer().min(0).max(86_400).unit('seconds'),
    beep_start: Joi.boolean(),
    on_end_flow_id: flowId.allow(''),
  }),

  needs: 'answered',

  async run(run, options, { recordings }: Pick<House, 'recordings'>) {
    const { end_of_silence = 0, end_of_key = '', duration = 0, beep_start = false, on_end_flow_id = null } = options
    if (beep_start) await playTo(run, { id: `beep-${run.id}`, media: 'sound:beep' })
    await recordings.start(run, run.id, { end_of_silence, end_of_key, duration, on_end_flow_id })
  },
}
