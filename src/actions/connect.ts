import Joi from 'joi'
import { callee, calleesMax, expandAgents, resolveAll } from '../calls/agents.ts'
import type { Callee, Expanded, RingMethod } from '../calls/agents.ts'
import { dialAll } from '../calls/dial-all.ts'
import { dialOne } from '../calls/dial.ts'
import type { DialOptions, Outcome } from '../calls/leg.ts'
import { addressOf, callerIdOf, presentationNumber, source } from '../calls/party.ts'
import { transfersOf } from '../calls/transfers.ts'
import { HashdialError } from '../errors.ts'
import type { ResolvedDestination, Source } from '../calls/party.ts'
import { ActionError, type Action, type ActionRun, type StepLike } from './action.ts'
import type { House } from './house.ts'

interface ConnectOptions {
  /** A conference must be the only one. */
  destinations: Callee[]
  /** Without it all at once, or as an agent has it that is the only one. */
  ring_method?: RingMethod
  timeout?: number
  relay_reason?: boolean
  /** Whom the other side sees as the caller; by a trunk, without it, the number that the caller had dialled. */
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
  about: 'Rings the destinations and connects the caller with the one who answers. When nobody does, the flow goes on.',
  options: Joi.object({
    destinations: Joi.array().items(callee).min(1).max(calleesMax).required().custom(meetingAlone).messages({
      'destinations.meeting': '{{#label}}: a conference must be the only destination',
    }),
    ring_method: Joi.valid('ring_all', 'linear'),
    timeout: Joi.number().integer().min(1_000).max(180_000).unit('milliseconds'),
    relay_reason: Joi.boolean(),
    source,
    anonymous: Joi.boolean(),
    early_media: Joi.boolean(),
  }),

  prefetch: true,

  async run(run, options, house: Pick<House, 'database' | 'baseDomain' | 'web' | 'limits' | 'ringSeconds'>) {
    const { call } = run
    const { customer_id } = call.row
    const [first] = options.destinations
    if (first?.type === 'conference') return { push: stepsInto(first.target) }
    const expanded = await expandOnce(run, options.destinations, house)
    const [from, { found: destinations, problems }] = await Promise.all([
      options.source && addressOf(house, customer_id, options.source),
      resolveAll(house, customer_id, expanded),
    ])
    const identity = callerIdOf(from, options.anonymous)
    const how = { ring_method: expanded.ringMethod, ...options, identity }
    let limit: HashdialError | undefined
    const outcome = await dial(run, destinations, how, house).catch((error: unknown) => {
      if (!(error instanceof HashdialError) || error.status !== 'RESOURCE_EXHAUSTED') throw error
      limit = error
      return overLimit
    })
    const isThere = destinations.length > 0 || problems.some(({ isUnreachable }) => isUnreachable)
    if (!outcome.talked && options.relay_reason) await call.refuse(isThere ? outcome.status : 404)
    if (limit) throw new ActionError(limit.message)
    if (destinations.length > 0) return
    const told = [...new Set(problems.map(({ problem }) => problem))].join('; ').slice(0, 1_000)
    throw new ActionError(`there is none of these destinations; a tel needs a trunk (${told})`)
  },
}

const stepsInto = (conference_id: string): StepLike[] => [
  { type: 'answer', option: {} },
  { type: 'conference_join', option: { conference_id } },
]

function meetingAlone(list: { type: string }[], helpers: Joi.CustomHelpers): unknown {
  const isAlone = list.length === 1 || !list.some(({ type }) => type === 'conference')
  return isAlone ? list : helpers.error('destinations.meeting')
}

/** An agent may go offline while it talks: after a crash its legs are looked for as they were made. */
async function expandOnce(run: ActionRun, callees: Callee[], house: Pick<House, 'database'>): Promise<Expanded> {
  const known = run.memory['expanded'] as Expanded | undefined
  if (known) return known
  const expanded = await expandAgents(house, run.call.row.customer_id, callees)
  if (expanded.destinations === callees) return expanded
  run.memory['expanded'] = expanded
  await run.save()
  return expanded
}

const nobody: Outcome = { talked: false, status: 480, legGone: true }
const overLimit: Outcome = { talked: false, status: 486, legGone: true }

type Identified = Omit<ConnectOptions, 'ring_method'> & { ring_method: RingMethod | undefined } & {
  identity: Record<string, string> | undefined
}

async function dial(
  run: ActionRun,
  all: ResolvedDestination[],
  options: Identified,
  house: Pick<House, 'database' | 'baseDomain' | 'web' | 'limits' | 'ringSeconds'>,
): Promise<Outcome> {
  const { call } = run
  const { limits: counted, ringSeconds: usual } = house
  const id = `connect-${run.id}`
  const { timeout, ring_method, early_media = true } = options
  const ringSeconds = timeout === undefined ? usual : timeout / 1000
  const transfers = transfersOf(run, house)
  const limits = { ringSeconds, stored: run.stored, transfers, ...talks(run) }
  const identityFor = (parties: ResolvedDestination[]) => {
    const called = parties.map(({ address }) => address)
    const address = presentationNumber(call.row, called)
    return options.identity ?? callerIdOf(address && { address, domain: call.house.domain })
  }
  if (all.length > 1 && ring_method !== 'linear')
    return within(run, counted, all, () => dialAll(run, all, { id, ...limits, identity: identityFor(all) }))
  let outcome = nobody
  // After a crash those who have refused are not asked again.
  for (let index = Number(run.memory['index'] ?? 0); index < all.length; index++) {
    if (index > 0) {
      run.memory['index'] = index
      await run.save()
    }
    const party = all[index]!
    const one = { id: index === 0 ? id : `${id}-${index}`, ...limits, identity: identityFor([party]) }
    outcome = await within(run, counted, [party], () =>
      early_media ? dialOne(run, party, one) : dialAll(run, [party], one),
    )
    if (outcome.talked) break
  }
  return outcome
}

/**
 * Whether they had talked before a crash: the caller is answered when the other side is, unless an action before this one
 * has answered him. Then it has to be noted.
 */
function talks(run: ActionRun): Pick<DialOptions, 'talking' | 'hadTalked'> {
  const { call } = run
  const { tm_progressing } = call.row
  const wasAnswered = tm_progressing !== null && tm_progressing < run.tmBegin
  if (!wasAnswered) return { hadTalked: () => call.answered }
  return {
    hadTalked: () => run.memory['talked'] === true,
    talking() {
      run.memory['talked'] = true
      run.save().catch((err: Error) => call.log.warn({ err }, 'that two talk could not be noted'))
    },
  }
}

/** Rings them if the customer's limits let it. After a crash they ring already. */
async function within(
  { call, recovered }: ActionRun,
  limits: House['limits'],
  parties: ResolvedDestination[],
  ring: () => Promise<Outcome>,
): Promise<Outcome> {
  const { customer_id } = call.row
  const outward = parties.filter((party) => party.outward).length
  if (outward > 0 && !recovered) limits.takeRate(customer_id, outward)
  const done = limits.takeLegs(customer_id, parties.length, recovered)
  return ring().finally(done)
}
