import Joi from 'joi'
import type { CallFacts } from '../calls/call.ts'
import { ActionError, flowId, type Action, type ActionRun, type StepLike } from './action.ts'
import type { House } from './house.ts'

interface FetchFlowOptions {
  flow_id: string
}

/** Runs the actions of another flow of this customer, as they are now, and comes back to the action after this one. */
export const fetch_flow: Action<FetchFlowOptions> = {
  about: 'Runs the actions of another flow, then goes on.',
  options: Joi.object({ flow_id: flowId.required() }),

  worksWithoutCaller: true,

  async run({ call }: ActionRun<CallFacts>, { flow_id }, { database }: Pick<House, 'database'>) {
    const rows: { actions: string }[] = await database.query(
      'SELECT actions FROM flows WHERE id = ? AND customer_id = ?',
      [flow_id, call.row.customer_id],
    )
    if (!rows[0]) throw new ActionError(`there is no flow ${flow_id}`)
    return { push: JSON.parse(rows[0].actions) as StepLike[] }
  },
}
