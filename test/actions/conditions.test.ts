import test from 'ava'
import { isTime } from '../../src/actions/condition_datetime.ts'
import { setUp } from '../support/setup.ts'
import { id, outcome, say, type Action } from './support.ts'

const set = (key: string, value: string): Action => ({ type: 'variable_set', option: { key, value } })
const ifSo = (option: object): Action[] => [
  { type: 'condition_variable', option: { ...option, false_target_id: id(9) } },
  say('busy'),
  say('cancel', id(9)),
]
const yes = 486
const no = 487

test('branch follows the digits or a variable, and empties it', async (t) => {
  const setup = await setUp(t)
  const branch = (option: object): Action[] => [
    { type: 'branch', option: { target_ids: { 1: id(1), 'a b': id(2) }, ...option } },
    say('dialout'),
    say('busy', id(1)),
    say('cancel', id(2)),
    say('timeout', id(3)),
  ]
  const way = (value: string, option: object, key = 'hashdial.call.digits') =>
    outcome(setup, [set(key, value), ...branch(option)])
  const first = await way('1', {})
  t.is(first.status, 486)
  t.is(first.ran.variables['hashdial.call.digits'], '')
  t.is((await way('a b', { variable: 'choice' }, 'choice')).status, 487)
  t.is((await way('7', { default_target_id: id(3) })).status, 408)
  t.is((await way('7', {})).status, 404)
  t.is((await way('constructor', {})).status, 404)
})

test('condition_variable compares texts, numbers and lengths', async (t) => {
  const setup = await setUp(t)
  for (const [value, option, status] of [
    ['abc', { condition: '==', value_string: 'abc' }, yes],
    ['abc', { condition: '!=', value_string: 'abc' }, no],
    ['abc', { condition: '<', value_string: 'abd' }, yes],
    ['10', { condition: '>', value_type: 'number', value_number: 9 }, yes],
    ['10', { condition: '>', value_string: '9' }, no],
    ['ten', { condition: '<=', value_type: 'number', value_number: 9 }, no],
    ['', { condition: '>=', value_type: 'number', value_number: 0 }, no],
    ['👍👍', { condition: '==', value_type: 'length', value_length: 2 }, yes],
    ['x', { condition: '==', value_string: '${other}x' }, yes],
  ] as const) {
    const { status: told } = await outcome(setup, [set('a', value), ...ifSo({ variable: 'a', ...option })])
    t.is(told, status, `${value} ${JSON.stringify(option)}`)
  }
})

test('variables of the call stand in every text', async (t) => {
  const setup = await setUp(t)
  const { ran } = await outcome(setup, [
    set('to', '${hashdial.call.destination.type} ${hashdial.call.id} ${nothing}!'),
    set('copy ${to}', 'x'),
    say('busy'),
  ])
  t.is(ran.variables.to, `flow ${ran.reference_id} !`)
  t.is(ran.variables[`copy flow ${ran.reference_id} !`], 'x')
})

test('condition_datetime sends a call by the time of a place', async (t) => {
  const setup = await setUp(t)
  const at = (option: object): Action[] => [
    { type: 'condition_datetime', option: { condition: '==', false_target_id: id(9), ...option } },
    say('busy'),
    say('cancel', id(9)),
  ]
  t.is((await outcome(setup, at({ weekdays: [0, 1, 2, 3, 4, 5, 6], timezone: 'Asia/Tokyo' }))).status, yes)
  t.is((await outcome(setup, at({ condition: '>', month: 12 }))).status, no)
  const hour = new Date().getUTCHours()
  const there = (hour + 9) % 24
  const near = { condition: '>=', hour: there === 23 ? -1 : there, timezone: 'Asia/Tokyo' }
  t.is((await outcome(setup, at(near))).status, yes)
})

test('a time is compared as a moment, in its zone, with summer time', (t) => {
  const summer = new Date('2026-07-05T07:15:00Z') // a Sunday, 09:15 in Berlin
  const berlin = { timezone: 'Europe/Berlin' }
  t.true(isTime({ condition: '==', hour: 9, minute: 15, ...berlin }, summer))
  t.true(isTime({ condition: '==', hour: 7, minute: 15 }, summer))
  t.true(isTime({ condition: '>=', hour: 8, minute: 30, ...berlin }, summer))
  t.false(isTime({ condition: '<', hour: 8, minute: 30, ...berlin }, summer))
  t.true(isTime({ condition: '!=', hour: 9, minute: 30, ...berlin }, summer))
  t.true(isTime({ condition: '==', hour: 8, ...berlin }, new Date('2026-12-24T07:15:00Z')))
  t.true(isTime({ condition: '==', day: 24, month: 12, hour: -1, minute: -1 }, new Date('2026-12-24T07:15:00Z')))
  t.true(isTime({ condition: '==', day: 0, month: 0 }, summer))
  t.true(isTime({ condition: '==', weekdays: [0], ...berlin }, summer))
  t.false(isTime({ condition: '==', weekdays: [1, 2, 3, 4, 5], hour: 9, ...berlin }, summer))
  t.true(isTime({ condition: '==', hour: 0, weekdays: [1] }, new Date('2026-07-06T00:00:00Z')))
})

test('a variable that grows for ever stops growing, and the flow is told', async (t) => {
  const setup = await setUp(t)
  const { ran } = await outcome(setup, [
    set('a', 'x'.repeat(30_000)),
    { id: id(1), type: 'variable_set', option: { key: 'b', value: '${a}${a}' } },
    say('busy'),
  ])
  t.is(ran.variables.b!.length, 32_768)
})
