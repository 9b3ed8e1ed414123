import Joi from 'joi'
import { inWords, type Action } from './action.ts'
import type { House } from './house.ts'

interface QueueJoinOptions {
  queue_id: string
  priority?: number | string
  skills?: { tag_id: string; level?: number | string }[]
  queuecall_id?: string
}

const rowId = Joi.string().guid({ separator: '-', wrapper: false }).lowercase()

/** Has the caller wait until an agent of the queue is free, and connects the two; then the flow goes on. */
export const queue_join: Action<QueueJoinOptions> = {
  about: 'Has the caller wait until an agent of the queue is free, and connects the two.',
  options: Joi.object({
    queue_id: rowId.required(),
    priority: Joi.number().integer().min(-1_000).max(1_000).description('Higher is sooner; see the queue.'),
    skills: Joi.array()
      .items(Joi.object({ tag_id: rowId.required(), level: Joi.number().integer().min(1).max(10) }))
      .max(20)
      .description('What the agent has to have, beside what the queue wants.'),
    queuecall_id: rowId.description('Whom this call calls back: the queue says so itself.'),
  }),

  needs: 'answered',

  async run(run, { queue_id, priority = 0, skills = [], ...more }, { queues }: Pick<House, 'queues'>) {
    const wanted = skills.map(({ tag_id, level = 1 }) => ({ tag_id, level: Number(level) }))
    const options = { ...more, queue_id, priority: Number(priority), skills: wanted }
    const { flow_id } = await queues.join(run, options).catch(inWords)
    return flow_id === null ? undefined : { push: [{ type: 'fetch_flow', option: { flow_id } }] }
  },
}
