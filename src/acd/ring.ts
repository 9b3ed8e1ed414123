import { cleanUp } from '../ari/connection.ts'
import { expandAgents, resolveAll } from '../calls/agents.ts'
import { dialAll } from '../calls/dial-all.ts'
import type { Directory } from '../calls/directory.ts'
import type { DialOptions, Outcome, Transfers } from '../calls/leg.ts'
import type { Limits } from '../calls/limits.ts'
import { callerIdOf, presentationNumber, type ResolvedDestination } from '../calls/party.ts'
import type { Run } from '../calls/run.ts'
import type { OfferResult } from './row.ts'

/** An address of an agent that is rung. It is JSON: after a crash the same legs have to be found. */
export interface RingingAddress {
  readonly agent_id: string
  readonly to: ResolvedDestination
  /** The addresses of an agent that ring one after another are in rounds, from 0. */
  readonly round?: number
}

/** What was rung when a crash came. */
export interface Ringing {
  number: number
  addresses: RingingAddress[]
  round?: number
}

export interface RingOptions {
  /** Deterministic, as that of a dial. */
  readonly id: string
  /** That which rings; after a crash that which rang. */
  readonly round: number
  /** Nobody has answered in the rounds before. */
  readonly advanced: (round: number) => Promise<void>
  readonly ringSeconds: number
  readonly stored: Promise<void>
  readonly hadTalked: () => boolean
  /** What is done with the leg that has answered, before the two are connected. False: it is gone. */
  readonly beforeTalk?: ((leg: string) => Promise<boolean>) | undefined
  readonly transfers: Transfers
  /** This agent has answered. */
  readonly answered: (agentId: string) => void
}

export interface RingHouse extends Directory {
  readonly limits: Limits
}

/** Where these agents are to be rung: all of their addresses at once, or where an agent has it so one after another. */
export async function addressesOf(
  house: RingHouse,
  customerId: string,
  agentIds: readonly string[],
): Promise<RingingAddress[]> {
  const each = agentIds.map(async (agent_id) => {
    const expanded = await expandAgents(house, customerId, [{ type: 'agent', target: agent_id }])
    const { found } = await resolveAll(house, customerId, expanded)
    const isLinear = expanded.ringMethod === 'linear'
    return found.map((to, index) => ({ agent_id, to, round: isLinear ? index : 0 }))
  })
  return (await Promise.all(each)).flat()
}

/**
 * Rings the addresses, round by round, and connects the caller with who answers first, until either hangs up. What the
 * caller hears until then goes on until then.
 */
export async function ringAgents(
  run: Run,
  addresses: readonly RingingAddress[],
  limits: Limits,
  options: RingOptions,
): Promise<Outcome> {
  const last = Math.max(0, ...addresses.map(({ round = 0 }) => round))
  for (let round = options.round; ; round++) {
    if (round > options.round) await options.advanced(round)
    const ringing = addresses.filter((address) => (address.round ?? 0) === round)
    const id = round === 0 ? options.id : `${options.id}-${round}`
    const outcome = await ringRound(run, ringing, limits, { ...options, id })
    if (outcome.talked || round >= last) return outcome
    run.signal.throwIfAborted()
  }
}

async function ringRound(
  run: Run,
  addresses: readonly RingingAddress[],
  limits: Limits,
  options: RingOptions,
): Promise<Outcome> {
  const { call, recovered } = run
  if (addresses.length === 0) return { talked: false, status: 480, legGone: true }
  const { customer_id } = call.row
  const outward = addresses.filter(({ to }) => to.outward).length
  if (outward > 0 && !recovered) limits.takeRate(customer_id, outward)
  const done = limits.takeLegs(customer_id, addresses.length, recovered)
  const { advanced: _advanced, answered, beforeTalk, round: _round, ...more } = options
  const dial: DialOptions = {
    ...more,
    ...(beforeTalk && { beforeTalk }),
    identity: identityFor(run, addresses),
    talking(index = 0) {
      // Asterisk takes the requests of one WebSocket in their order: the music ends before the two are connected.
      void cleanUp([call.node.ari.channels.stopMoh({ channelId: call.channelId })])
      answered(addresses[index]!.agent_id)
    },
  }
  return dialAll(
    run,
    addresses.map(({ to }) => to),
    dial,
  ).finally(done)
}

/** A carrier knows the customer by its own numbers; everybody else sees the caller. */
function identityFor({ call }: Run, addresses: readonly RingingAddress[]): DialOptions['identity'] {
  const called = addresses.map(({ to }) => to.address)
  const address = presentationNumber(call.row, called)
  return callerIdOf(address && { address, domain: call.house.domain })
}

/** What became of an offer that nobody answered. */
export function resultOf(status: number, rangMs: number, ringSeconds: number): OfferResult {
  if (status === 486 || status === 600) return 'busy'
  if (status === 603 || status === 403) return 'rejected'
  return rangMs >= ringSeconds * 1_000 - 250 ? 'missed' : 'unreachable'
}
