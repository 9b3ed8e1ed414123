import type { ServerRoute } from '@hapi/hapi'
import Joi from 'joi'
import { HashdialError } from '../errors.ts'
import { promptTypes, type Prompts, type PromptType } from '../voice/prompts.ts'

/** What Asterisk fetches to play it. It has no token: who does not know the name, 64 random hex digits, gets nothing. */
export function soundsRoute(prompts: Pick<Prompts, 'find'>): ServerRoute {
  return {
    method: 'GET',
    path: '/sounds/{key}.{type}',
    options: {
      auth: false,
      validate: { params: Joi.object({ key: Joi.string().hex().length(64), type: Joi.valid('wav', 'wav16') }) },
    },
    async handler(request, h) {
      const { key, type } = request.params as { key: string; type: PromptType }
      const file = await prompts.find(key, type)
      if (!file) throw new HashdialError('NOT_FOUND', 'SOUND_NOT_FOUND', 'there is no such sound')
      // A name always means the same sound, so Asterisk need not ask again.
      const response = h.file(file, { confine: false, etagMethod: false })
      return response.type(promptTypes[type].type).header('cache-control', 'public, max-age=86400, immutable')
    },
  }
}
