import Joi from 'joi'
import type { Call } from '../calls/call.ts'
import { dialAll } from '../calls/dial-all.ts'
import { dialOne } from '../calls/dial.ts'
import type { Destination, Outcome } from '../calls/leg.ts'
import { addressOf, findParty, identityOf, party, source, type Party, type Source } from '../calls/party.ts'
import type { Action, Place } from './action.ts'

interface ConnectOptions {
  destinations: Party[]
  ring_method?: 'ring_all' | 'linear'
  timeout?: number
  relay_reason?: boolean
  /** Whom the other side sees as the caller. */
  source?: Source
  /** The other side does not see who calls. */
  anonymous?: boolean
  /** What a single destination plays before it answers reaches the caller: so it is, unless this is false. */
  early_media?: boolean
}

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
    source,
    anonymous: Joi.boolean(),
    early_media: Joi.boolean(),
  }),

  eager: true,

  async run(call, options, place) {
    const { exchange } = call
    const { customer_id } = call.row
    const [from, ...found] = await Promise.all([
      options.source && addressOf(exchange, customer_id, options.source),
      ...options.destinations.map((destination) => findParty(exchange, customer_id, destination)),
    ])
    const destinations = found.filter((destination) => destination !== undefined)
    const identity = identityOf(from, options.anonymous)
    const outcome = destinations.length > 0 ? await dial(call, destinations, { ...options, identity }, place) : nobody
    if (!outcome.talked && options.relay_reason) await call.refuse(outcome.status)
  },
}

const nobody: Outcome = { talked: false, status: 404, legGone: true }

type Identified = ConnectOptions & { identity: Record<string, string> | undefined }

async function dial(call: Call, all: Destination[], options: Identified, place: Place): Promise<Outcome> {
  const id = `connect-${place.id}`
  const { timeout, ring_method, identity, early_media = true } = options
  const ringSeconds = timeout === undefined ? call.exchange.ringSeconds : timeout / 1000
  const limits = { ringSeconds, stored: place.stored, identity }
  if (all.length > 1 && ring_method !== 'linear') return dialAll(call, all, { id, ...limits })
  let outcome = nobody
  // After a crash those who have refused are not asked again.
  for (let index = Number(place.memory['index'] ?? 0); index < all.length; index++) {
    if (index > 0) {
      place.memory['index'] = index
      await place.save()
    }
    const one = { id: index === 0 ? id : `${id}-${index}`, ...limits }
    outcome = await (early_media ? dialOne(call, all[index]!, one) : dialAll(call, [all[index]!], one))
    if (outcome.talked) break
  }
  return outcome
}
