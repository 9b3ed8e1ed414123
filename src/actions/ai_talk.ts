import Joi from 'joi'
import { inWords, type Action } from './action.ts'
import type { House } from './house.ts'

interface AiTalkOptions {
  ai_id?: string
  team_id?: string
  continues?: string
}

const rowId = Joi.string().guid({ separator: '-', wrapper: false }).lowercase()

/** Lets the caller talk with an AI or a team until that is over; then the flow goes on. */
export const ai_talk: Action<AiTalkOptions> = {
  about: 'Lets the caller talk with an AI, or a team of AIs.',
  options: Joi.object<AiTalkOptions>({
    ai_id: rowId,
    team_id: rowId,
    continues: rowId.description(
      'The conversation that it follows, with what was said there, unless a queue has served the caller since.',
    ),
  }).xor('ai_id', 'team_id'),

  needs: 'answered',

  async run(run, options, { conversations }: Pick<House, 'conversations'>) {
    // It comes back to a caller whom no agent has served.
    if (options.continues && run.variables['hashdial.queuecall.status'] === 'serviced') return undefined
    const { endsFlow, queueId } = await conversations.talk(run, options).catch(inWords)
    if (endsFlow) return { end: true }
    if (queueId === undefined) return undefined
    const continues = run.variables['hashdial.aicall.id']!
    return {
      push: [
        { type: 'queue_join', option: { queue_id: queueId } },
        { type: 'ai_talk', option: { ...options, continues } },
      ],
    }
  },
}
