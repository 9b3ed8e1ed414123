import Joi from 'joi'
import { startExternalMedia } from '../media/external-media.ts'
import { ActionError, inWords, type Action } from './action.ts'
import type { House } from './house.ts'
import { externalMediaVariable } from './external_media_stop.ts'

interface ExternalMediaOptions {
  external_host: string
  encapsulation?: 'rtp'
  transport?: 'udp'
  transport_data?: string
  connection_type?: 'client'
  format?: string
  direction_listen?: 'both' | 'in' | 'out' | 'none'
  direction_speak?: 'both' | 'in' | 'out' | 'none'
  data?: string
}

/**
 * Sends what the call hears and says to a host as RTP, and lets it speak. It lasts until external_media_stop or the
 * call's end, and over a crash, because Asterisk alone carries it.
 */
export const external_media_start: Action<ExternalMediaOptions> = {
  about: 'Sends what the call hears and says to a host as RTP, and lets it speak.',
  options: Joi.object({
    external_host: Joi.string()
      .pattern(/^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):\d{1,5}$/)
      .required()
      .messages({ 'string.pattern.base': '{{#label}} must be host:port' }),
    encapsulation: Joi.valid('rtp'),
    transport: Joi.valid('udp'),
    transport_data: Joi.string().allow('').max(255),
    connection_type: Joi.valid('client'),
    format: Joi.valid('ulaw', 'alaw', 'slin', 'slin16', 'g722'),
    direction_listen: Joi.valid('both', 'in', 'out', 'none'),
    direction_speak: Joi.valid('both', 'in', 'out', 'none'),
    data: Joi.string().allow('').max(255),
  }),

  needs: 'answered',

  async run(run, options, { web }: Pick<House, 'web'>) {
    const { id, variables } = run
    const { direction_listen: listen = 'both', direction_speak: speak = 'out', format = 'ulaw' } = options
    const running = variables[externalMediaVariable]
    if (running && running !== id) throw new ActionError('there is external media already: stop it first')
    variables[externalMediaVariable] = id
    await run.save()
    const given = { host: options.external_host, listen, speak, format }
    await startExternalMedia(run, id, given, web).catch(inWords)
  },
}
