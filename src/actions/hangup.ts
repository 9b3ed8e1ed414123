import Joi from 'joi'
import type { Call } from '../calls/call.ts'
import type { HangupReason } from '../calls/causes.ts'
import { ActionError, type Action } from './action.ts'
import type { House } from './house.ts'

/** What a caller who was not answered is told. Not 503: the edge would try the next Asterisk. */
const statuses = {
  normal: 480,
  failed: 500,
  busy: 486,
  cancel: 487,
  timeout: 408,
  noanswer: 480,
  dialout: 404,
  amd: 480,
} satisfies Record<Exclude<HangupReason, ''>, number>

type Reason = keyof typeof statuses

interface HangupOptions {
  reason?: Reason | ''
  /** A call of this customer: end as that one ended. */
  reference_id?: string
}

/** Ends the call: an answered one with a BYE, any other with the SIP status of the reason. */
export const hangup: Action<HangupOptions> = {
  about: 'Ends the call: an answered one with a BYE, any other with the SIP status of the reason.',
  options: Joi.object({
    reason: Joi.valid('', ...Object.keys(statuses)),
    reference_id: Joi.string().guid({ separator: '-', wrapper: false }),
  }),

  final: true,

  ways: () => [{ end: true }],

  async run({ call }, { reason, reference_id }, { database }: Pick<House, 'database'>) {
    const how = (reference_id && (await reasonOf(call, reference_id, database))) || reason || 'normal'
    await call.hangup(how, statuses[how])
    return { end: true }
  },
}

async function reasonOf(call: Call, id: string, database: House['database']): Promise<Reason | ''> {
  const rows: { hangup_reason: Reason | '' }[] = await database.query(
    'SELECT hangup_reason FROM calls WHERE id = ? AND customer_id = ?',
    [id, call.row.customer_id],
  )
  if (!rows[0]) throw new ActionError(`there is no call ${id}`)
  return rows[0].hangup_reason
}
