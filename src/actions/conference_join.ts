import Joi from 'joi'
import { inWords, type Action, type StepLike } from './action.ts'
import type { House } from './house.ts'

interface ConferenceJoinOptions {
  conference_id: string
  /** The caller is one, and no PIN is asked. */
  moderator?: boolean
  /** Without it as the conference has it. */
  muted?: boolean
  /** The flows before and after the conference are left out. */
  skip_flows?: boolean
}

/** Puts the caller into the conference, until they leave it; then the flow goes on. */
export const conference_join: Action<ConferenceJoinOptions> = {
  about: 'Puts the caller into a conference, until they leave it or it ends.',
  options: Joi.object({
    conference_id: Joi.string().guid({ separator: '-', wrapper: false }).lowercase().required(),
    moderator: Joi.boolean(),
    muted: Joi.boolean(),
    skip_flows: Joi.boolean(),
  }),

  needs: 'answered',

  async run(run, options, { conferences }: Pick<House, 'conferences'>) {
    if (options.skip_flows) return conferences.join(run, options).catch(inWords)
    const found = await conferences.find(run.call.row.customer_id, options.conference_id).catch(inWords)
    const { pre_flow_id, post_flow_id } = found
    if (!pre_flow_id && !post_flow_id) return conferences.join(run, options).catch(inWords)
    const fetch = (id: string | null): StepLike[] => (id ? [{ type: 'fetch_flow', option: { flow_id: id } }] : [])
    const join = { type: 'conference_join', option: { ...options, skip_flows: true } }
    return { push: [...fetch(pre_flow_id), join, ...fetch(post_flow_id)] }
  },
}
