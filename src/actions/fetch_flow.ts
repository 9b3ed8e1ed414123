import Joi from 'joi'
import { ActionError, flowId, type Action, type StepLike } from './action.ts'

interface FetchFlowOptions {
  flow_id: string
}

/** Runs the actions of another flow of this customer, as they are now, and comes back to the action after this one. */
export const fetch_flow: Action<FetchFlowOptions> = {
  about: 'Runs the actions of another flow, then goes on.',
  options: Joi.object({ flow_id: flowId.required() }),

  alone: true,

  async run(call, { flow_id }) {
    const rows: { actions: string }[] = await call.exchange.database.query(
      'SELECT actions FROM flows WHERE id = ? AND customer_id = ?',
      [flow_id, call.row.customer_id],
    )
    if (!rows[0]) throw new ActionError(`there is no flow ${flow_id}`)
    return { push: JSON.parse(rows[0].actions) as StepLike[] }
  },
}
