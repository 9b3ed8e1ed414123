import { randomUUID } from 'node:crypto'
import type Joi from 'joi'
import type { AnyAction, Jump, StepLike } from './action.ts'
import { endlessLoops, type Node } from './endless.ts'
import { sizeOf } from '../json.ts'
import { turn } from '../turns.ts'
import { unsupported } from './unsupported.ts'
import { actionOf } from './index.ts'

export interface Problem {
  /** Where in the body: `actions[3].option.duration`. */
  field: string
  problem: string
}

type ReferenceType = 'flow' | 'conference' | 'queue' | 'ai' | 'team'

export interface Checked {
  /** As they are to be stored: each with its id. */
  actions: StepLike[]
  problems: Problem[]
  /** What they name by its id, which has to exist. */
  references: { field: string; type: ReferenceType; id: string }[]
  /** The SIP addresses that they call, which may be somebody else's. */
  addresses: { field: string; target: string }[]
}

/** How many actions a list may have, those of the lists in it included, and how deep such lists and options may go. */
const most = 1_000
const deepest = 20
/** How many problems are told: nobody mends more at once. */
const told = 100
/** How many values an option may have, beside what is passed on as it is (`data`): each is checked by itself. */
const mostValues = 200
const mostData = 2_000

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** How other systems write "none". */
const nil = '00000000-0000-0000-0000-000000000000'

/**
 * Checks a list of actions that somebody wrote: all that is wrong with it, each by its place in the list. A long one is
 * checked in slices, for the calls go on meanwhile; `owner` is whose turn it is (see turns.ts).
 */
export async function checkActions(list: unknown, owner: string, at = 'actions'): Promise<Checked> {
  const checked: Checked = { actions: [], problems: [], references: [], addresses: [] }
  checked.actions = await checkList(list, at, { owner, checked, left: most, depth: 0 })
  return checked
}

/** What the check of a list shares with those of the lists in it. */
interface Check {
  readonly owner: string
  readonly checked: Checked
  /** How many more actions there may be. */
  left: number
  depth: number
}

async function checkList(list: unknown, at: string, check: Check): Promise<StepLike[]> {
  const { problems } = check.checked
  const tell = (field: string, problem: string) => {
    if (problems.length < told) problems.push({ field, problem })
  }
  if (!Array.isArray(list) || list.length > check.left || check.depth > deepest) {
    tell(at, `must be a list of at most ${most} actions, those of the lists in it included`)
    return []
  }
  check.left -= list.length
  const actions: Required<StepLike>[] = []
  for (const [index, item] of list.entries()) {
    await turn(check.owner)
    actions.push(checkShape(item, `${at}[${index}]`, tell))
  }
  const indexes = checkIds(actions, at, tell)
  const nodes: Node[] = []
  for (const [index, step] of actions.entries()) {
    if (problems.length >= told) return actions
    await turn(check.owner)
    const place = `${at}[${index}]`
    const action = checkType(step.type, place, tell)
    const isGood = action && checkOption(action, step, place, tell)
    if (action) await checkInner(step, place, check)
    // What it may do with wrong options nobody can say.
    const ways = isGood ? waysOf(action, step, place, indexes, tell) : [undefined]
    const landings = action ? ways.map((way) => landing(way, index, actions, indexes)) : []
    nodes.push({ instant: Boolean(action?.sideEffectFree || action?.instant), ways: [...new Set(landings)] })
  }
  for (const loop of endlessLoops(nodes)) {
    const path = [...loop, loop[0]!].map((index) => `${at}[${index}]`).join(' → ')
    tell(`${at}[${loop[0]}]`, `is in a loop that can never end: ${path} take no time and lead nowhere else`)
  }
  return actions
}

type Tell = (field: string, problem: string) => void

const fields = new Set(['id', 'next_id', 'type', 'option', 'tm_execute'])

function checkShape(item: unknown, place: string, tell: Tell): Required<StepLike> {
  const empty = { id: randomUUID() as string, next_id: null, type: '', option: {} }
  if (!isObject(item)) {
    tell(place, 'must be an object: {"type": …, "option": {…}}')
    return empty
  }
  const others = Object.keys(item).filter((name) => !fields.has(name))
  for (const name of others.slice(0, told)) tell(`${place}.${name.slice(0, 64)}`, 'is not a field of an action')
  const { id = empty.id, type, option = {} } = item
  const next = item.next_id === nil || item.next_id === '' ? null : (item.next_id ?? null)
  if (typeof id !== 'string' || !uuid.test(id)) tell(`${place}.id`, 'must be a UUID in lower case, or be left out')
  if (typeof type !== 'string') tell(`${place}.type`, 'is missing: what is to be done?')
  const isOption = isObject(option) && isSmall(option, `${place}.option`, tell)
  if (!isObject(option)) tell(`${place}.option`, 'must be an object')
  return {
    id: typeof id === 'string' ? id : empty.id,
    next_id: next as string | null,
    // What its option lacks is not told of one that is not looked at.
    type: typeof type === 'string' && isOption ? type : '',
    option: isOption ? option : {},
  }
}

/** Answers the index of each id. */
function checkIds(actions: Required<StepLike>[], at: string, tell: Tell): Map<string, number> {
  const first = new Map<string, number>()
  actions.forEach(({ id }, index) => {
    if (first.has(id)) tell(`${at}[${index}].id`, `is the id of ${at}[${first.get(id)}] too`)
    else first.set(id, index)
  })
  actions.forEach(({ next_id }, index) => {
    if (next_id !== null && !first.has(next_id))
      tell(`${at}[${index}].next_id`, 'is not the id of an action of this list')
  })
  return first
}

function checkType(type: string, place: string, tell: Tell): AnyAction | undefined {
  const action = actionOf(type)
  if (!action && type !== '') tell(`${place}.type`, unsupported(type))
  return action
}

/**
 * A text with a variable in it can be anything when it runs, and is checked then. What has to be a number is a number
 * here already, and an id an id. Answers whether the option is right as it stands.
 */
function checkOption(action: AnyAction, { option }: StepLike, place: string, tell: Tell): boolean {
  const { error } = action.options.validate(option, { abortEarly: false, convert: false, errors: { label: false } })
  for (const { type, path, message } of error?.details ?? []) {
    const value = path.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], option)
    const isFixed = type === 'action.id' || (type.endsWith('.base') && type !== 'string.pattern.base')
    const comes = !isFixed && typeof value === 'string' && value.includes('${')
    if (!comes) tell(placeOf(`${place}.option`, path), message.trim().slice(0, 500))
  }
  return !error
}

/** Lists of actions in an option (`actions`) are checked as this one is, and what it names by its id is noted. */
async function checkInner(step: StepLike, place: string, check: Check): Promise<void> {
  const option = step.option as Record<string, unknown>
  for (const [name, value] of Object.entries(option)) {
    if (name === 'destinations') check.checked.addresses.push(...addressesIn(value, `${place}.option.destinations`))
    const type = /(?:^|_)(flow|conference|queue|ai|team)_id$/.exec(name)?.[1] as ReferenceType | undefined
    if (type && typeof value === 'string' && uuid.test(value))
      check.checked.references.push({ field: `${place}.option.${name}`, type, id: value })
    if (name !== 'actions') continue
    check.depth++
    step.option = { ...option, actions: await checkList(value, `${place}.option.actions`, check) }
    check.depth--
  }
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

type Indexes = ReadonlyMap<string, number>

function waysOf(action: AnyAction, step: StepLike, place: string, indexes: Indexes, tell: Tell): (Jump | undefined)[] {
  const ways = action.ways?.(step.option) ?? [undefined]
  for (const way of ways) {
    if (!way || !('goto' in way) || indexes.has(way.goto)) continue
    tell(`${place}.option${pathTo(step.option, way.goto) ?? ''}`, 'is not the id of an action of this list')
  }
  return ways
}

/** The index of the action that a way leads to; -1 is the end. */
function landing(way: Jump | undefined, from: number, all: StepLike[], indexes: Indexes): number {
  if (way && !('goto' in way)) return -1
  const id = way ? way.goto : all[from]!.next_id
  if (id) return indexes.get(id) ?? -1
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

/** Whether the checks may look into it. A list of actions in it is looked at by itself. */
function isSmall(option: Record<string, unknown>, place: string, tell: Tell): boolean {
  const { actions: _, data, ...own } = option
  const passed = typeof data === 'object' && data !== null ? sizeOf(data, mostData) : { values: 0, depth: 0 }
  const checked = sizeOf(own, mostValues)
  if (Math.max(checked.depth, passed.depth + 1) > deepest) tell(place, `must be at most ${deepest} levels deep`)
  else if (checked.values > mostValues) tell(place, `must have at most ${mostValues} values`)
  else if (passed.values > mostData) tell(`${place}.data`, `must have at most ${mostData} values`)
  else return true
  return false
}
