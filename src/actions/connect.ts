import Joi from 'joi'
import type { Call } from '../calls/call.ts'
import { dialOne, type Destination } from '../calls/dial.ts'
import type { Action } from './action.ts'

interface ConnectOptions {
  destinations: { type: 'extension'; target: string }[]
  timeout?: number
  relay_reason?: boolean
}

/**
 * Rings the destination and connects the caller with it until either hangs up. The caller is answered when the other side
 * answers. When that never happens the flow goes on, or, with `relay_reason`, the caller gets the other side's own answer.
 */
export const connect: Action<ConnectOptions> = {
  options: Joi.object({
    destinations: Joi.array()
      .items(Joi.object({ type: Joi.valid('extension').required(), target: Joi.string().guid().required() }))
      .length(1)
      .required(),
    timeout: Joi.number().integer().min(1_000).max(600_000).unit('milliseconds'),
    relay_reason: Joi.boolean(),
  }),

  async run(call, options, place) {
    const destination = await find(call, options.destinations[0]!.target)
    if (!destination) return options.relay_reason ? call.refuse(404) : undefined
    const ringSeconds = options.timeout === undefined ? call.exchange.ringSeconds : options.timeout / 1000
    const outcome = await dialOne(call, destination, { id: `connect-${place.id}`, ringSeconds })
    if (!outcome.talked && options.relay_reason) await call.refuse(outcome.status)
  },
}

async function find(call: Call, id: string): Promise<Destination | undefined> {
  const rows: { username: string; domain_name: string }[] = await call.exchange.database.query(
    'SELECT username, domain_name FROM extensions WHERE id = ? AND customer_id = ?',
    [id, call.row.customer_id],
  )
  return rows[0] && { endpoint: `PJSIP/hashdial/sip:${rows[0].username}@${rows[0].domain_name}` }
}
