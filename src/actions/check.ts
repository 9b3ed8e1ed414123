import { randomUUID } from 'node:crypto'
import type Joi from 'joi'
import type { AnyAction, Jump, StepLike } from './action.ts'
import { endlessLoops, type Node } from './endless.ts'
import { elsewhere } from './elsewhere.ts'
import { actionOf } from './index.ts'

export interface Problem {
  /** Where in the body: `actions[3].option.duration`. */
  field: string
  problem: string
}

export interface Checked {
  /** As they are to be stored: each with its id. */
  actions: StepLike[]
  problems: Problem[]
  /** The flows that they name, which have to exist. */
  flows: { field: string; id: string }[]
  /** The SIP addresses that they call, which may be somebody else's. */
  addresses: { field: string; target: string }[]
}

const most = 1_000
const deepest = 20
const told = 100

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** How other systems write "none". */
const nil = '00000000-0000-0000-0000-000000000000'

/** Checks a list of actions that somebody wrote: all that is wrong with it at once, each by its place in the list. */
export function checkActions(list: unknown, at = 'actions'): Checked {
  const problems: Problem[] = []
  const tell = (field: string, problem: string) => {
    if (problems.length < told) problems.push({ field, problem })
  }
  if (!Array.isArray(list) || list.length > most) {
    tell(at, `must be a list of at most ${most} actions`)
    return { actions: [], problems, flows: [], addresses: [] }
  }
  const flows: Checked['flows'] = []
  const addresses: Checked['addresses'] = []
  const actions = list.map((item, index) => checkShape(item, `${at}[${index}]`, tell))
  checkIds(actions, at, tell)
  const nodes = actions.map((step, index): Node => {
    const place = `${at}[${index}]`
    const action = checkType(step.type, place, tell)
    if (!action) return { instant: false, ways: [] }
    checkOption(action, step, place, tell)
    const inner = checkInner(step, place)
    inner.problems.forEach(({ field, problem }) => tell(field, problem))
    flows.push(...inner.flows)
    addresses.push(...inner.addresses)
    const ways = waysOf(action, step, place, actions, tell)
    return { instant: Boolean(action.pure || action.instant), ways: ways.map((way) => landing(way, index, actions)) }
  })
  for (const loop of endlessLoops(nodes)) {
    const path = [...loop, loop[0]!].map((index) => `${at}[${index}]`).join(' → ')
    tell(`${at}[${loop[0]}]`, `is in a loop that can never end: ${path} take no time and lead nowhere else`)
  }
  return { actions, problems, flows, addresses }
}

type Tell = (field: string, problem: string) => void

const fields = new Set(['id', 'next_id', 'type', 'option', 'tm_execute'])

function checkShape(item: unknown, place: string, tell: Tell): Required<StepLike> {
  const empty = { id: randomUUID() as string, next_id: null, type: '', option: {} }
  if (!isObject(item)) {
    tell(place, 'must be an object: {"type": …, "option": {…}}')
    return empty
  }
  for (const name of Object.keys(item)) if (!fields.has(name)) tell(`${place}.${name}`, 'is not a field of an action')
  const { id = empty.id, type, option = {} } = item
  const next = item.next_id === nil || item.next_id === '' ? null : (item.next_id ?? null)
  if (typeof id !== 'string' || !uuid.test(id)) tell(`${place}.id`, 'must be a UUID in lower case, or be left out')
  if (typeof type !== 'string') tell(`${place}.type`, 'is missing: what is to be done?')
  const isOption = isObject(option) && isShallow(option, deepest)
  if (!isOption) tell(`${place}.option`, `must be an object, at most ${deepest} levels deep`)
  return {
    id: typeof id === 'string' ? id : empty.id,
    next_id: next as string | null,
    type: typeof type === 'string' ? type : '',
    option: isOption ? option : {},
  }
}

function checkIds(actions: StepLike[], at: string, tell: Tell): void {
  const first = new Map<string, number>()
  actions.forEach(({ id }, index) => {
    if (first.has(id!)) tell(`${at}[${index}].id`, `is the id of ${at}[${first.get(id!)}] too`)
    else first.set(id!, index)
  })
  actions.forEach(({ next_id }, index) => {
    if (next_id !== null && !first.has(next_id!))
      tell(`${at}[${index}].next_id`, 'is not the id of an action of this list')
  })
}

function checkType(type: string, place: string, tell: Tell): AnyAction | undefined {
  const action = actionOf(type)
  if (!action && type !== '') tell(`${place}.type`, elsewhere(type))
  return action
}

/**
 * A text with a variable in it can be anything when it runs, and is checked then. What has to be a number is a number
 * here already, and an id an id.
 */
function checkOption(action: AnyAction, { option }: StepLike, place: string, tell: Tell): void {
  const { error } = action.options.validate(option, { abortEarly: false, convert: false, errors: { label: false } })
  for (const { type, path, message } of error?.details ?? []) {
    const value = path.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], option)
    const isFixed = type === 'action.id' || (type.endsWith('.base') && type !== 'string.pattern.base')
    const comes = !isFixed && typeof value === 'string' && value.includes('${')
    if (!comes) tell(placeOf(`${place}.option`, path), message.trim())
  }
}

/** Lists of actions in an option (`actions`) are checked as this one is, and the flows that it names noted. */
function checkInner(step: StepLike, place: string): Omit<Checked, 'actions'> {
  const option = step.option as Record<string, unknown>
  const found: Omit<Checked, 'actions'> = { problems: [], flows: [], addresses: [] }
  for (const [name, value] of Object.entries(option)) {
    if (name === 'destinations') found.addresses.push(...addressesIn(value, `${place}.option.destinations`))
    if (name.endsWith('flow_id') && typeof value === 'string' && uuid.test(value))
      found.flows.push({ field: `${place}.option.${name}`, id: value })
    if (name !== 'actions') continue
    const { actions, problems, flows, addresses } = checkActions(value, `${place}.option.actions`)
    step.option = { ...option, actions }
    found.problems.push(...problems)
    found.flows.push(...flows)
    found.addresses.push(...addresses)
  }
  return found
}

/** One with a variable in it is looked at when it runs. */
function addressesIn(destinations: unknown, place: string): Checked['addresses'] {
  if (!Array.isArray(destinations)) return []
  return destinations.flatMap((party: unknown, index) => {
    const { type, target } = isObject(party) ? party : {}
    const named = type === 'sip' && typeof target === 'string' && !target.includes('${')
    return named ? [{ field: `${place}[${index}].target`, target }] : []
  })
}

function waysOf(action: AnyAction, step: StepLike, place: string, all: StepLike[], tell: Tell): (Jump | undefined)[] {
  // What it may do with wrong options nobody can say.
  if (!action.ways || action.options.validate(step.option, { convert: false }).error) return [undefined]
  const ways = action.ways(step.option)
  for (const way of ways) {
    if (!way || !('goto' in way) || all.some(({ id }) => id === way.goto)) continue
    tell(`${place}.option${pathTo(step.option, way.goto) ?? ''}`, 'is not the id of an action of this list')
  }
  return ways
}

/** The index of the action that a way leads to; -1 is the end. */
function landing(way: Jump | undefined, from: number, all: StepLike[]): number {
  if (way && !('goto' in way)) return -1
  const id = way ? way.goto : all[from]!.next_id
  if (id) return all.findIndex((step) => step.id === id)
  return from + 1 < all.length ? from + 1 : -1
}

function pathTo(option: object, wanted: string): string | undefined {
  for (const [name, value] of Object.entries(option)) {
    if (value === wanted) return `.${name}`
    const inner = isObject(value) ? pathTo(value, wanted) : undefined
    if (inner) return `.${name}${inner}`
  }
  return undefined
}

function placeOf(start: string, path: Joi.ValidationErrorItem['path']): string {
  return path.reduce<string>((place, key) => place + (typeof key === 'number' ? `[${key}]` : `.${key}`), start)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Level by level: what is too deep must not overflow the stack of who looks. */
function isShallow(value: object, levels: number): boolean {
  let level: object[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levels) return false
    level = level.flatMap((inner: object) =>
      Object.values(inner as Record<string, unknown>).filter(
        (item): item is object => typeof item === 'object' && item !== null,
      ),
    )
  }
  return true
}
