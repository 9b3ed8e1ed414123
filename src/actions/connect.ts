import Joi from 'joi'
import type { Call } from '../calls/call.ts'
import { dialAll } from '../calls/dial-all.ts'
import { dialOne, type Destination, type Outcome } from '../calls/dial.ts'
import { findTel, telNumber } from '../calls/tel.ts'
import type { Action, Place } from './action.ts'

interface Party {
  type: 'extension' | 'sip' | 'tel'
  /** An extension's id; a SIP URI; a number. */
  target?: string
  /** An extension's username, instead of its id. */
  target_name?: string
}

interface ConnectOptions {
  destinations: Party[]
  ring_method?: 'ring_all' | 'linear'
  timeout?: number
  relay_reason?: boolean
}

const sipUri = Joi.string().pattern(/^sips?:[^\s<>"]{1,250}$/)

const party = Joi.object({
  type: Joi.valid('extension', 'sip', 'tel').required(),
  target: Joi.when('type', {
    switch: [
      { is: 'sip', then: sipUri.required() },
      { is: 'tel', then: telNumber.required() },
    ],
  }),
  target_name: Joi.string().max(255),
}).or('target', 'target_name')

/**
 * Rings the destinations and connects the caller with who answers, until either hangs up. The caller is answered when the
 * other side answers. When nobody does the flow goes on, or, with `relay_reason`, the caller gets the other side's answer.
 */
export const connect: Action<ConnectOptions> = {
  options: Joi.object({
    destinations: Joi.array().items(party).min(1).max(20).required(),
    ring_method: Joi.valid('ring_all', 'linear'),
    timeout: Joi.number().integer().min(1_000).max(180_000).unit('milliseconds'),
    relay_reason: Joi.boolean(),
  }),

  eager: true,

  async run(call, options, place) {
    const found = await Promise.all(options.destinations.map((destination) => find(call, destination)))
    const destinations = found.filter((destination) => destination !== undefined)
    const outcome = destinations.length > 0 ? await dial(call, destinations, options, place) : nobody
    if (!outcome.talked && options.relay_reason) await call.refuse(outcome.status)
  },
}

const nobody: Outcome = { talked: false, status: 404, legGone: true }

async function dial(call: Call, all: Destination[], options: ConnectOptions, place: Place): Promise<Outcome> {
  const id = `connect-${place.id}`
  const ringSeconds = options.timeout === undefined ? call.exchange.ringSeconds : options.timeout / 1000
  const limits = { ringSeconds, stored: place.stored }
  if (all.length > 1 && options.ring_method !== 'linear') return dialAll(call, all, { id, ...limits })
  let outcome = nobody
  // After a crash those who have refused are not asked again.
  for (let index = Number(place.memory['index'] ?? 0); index < all.length; index++) {
    if (index > 0) {
      place.memory['index'] = index
      await place.save()
    }
    outcome = await dialOne(call, all[index]!, { id: index === 0 ? id : `${id}-${index}`, ...limits })
    if (outcome.talked) break
  }
  return outcome
}

async function find(call: Call, { type, target, target_name }: Party): Promise<Destination | undefined> {
  if (type === 'tel') return findTel(call.exchange, call.row.customer_id, target!)
  if (type === 'sip') return { endpoint: `PJSIP/hashdial/${target}` }
  const [column, value] = target ? ['id', target] : ['username', target_name]
  const rows: { username: string; domain_name: string }[] = await call.exchange.database.query(
    `SELECT username, domain_name FROM extensions WHERE ${column} = ? AND customer_id = ?`,
    [value, call.row.customer_id],
  )
  return rows[0] && { endpoint: `PJSIP/hashdial/sip:${rows[0].username}@${rows[0].domain_name}` }
}
