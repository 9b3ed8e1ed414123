import test from 'ava'
import { match, type FreeAgent, type Rules, type Waiting } from '../../src/acd/matcher.ts'

const rules: Rules = { method: 'longest_idle', skills: [], steps: [], lastAgent: null, random: () => 0.99 }

function caller(id: string, values: Partial<Waiting> = {}): Waiting {
  return { id, entered: 0, skills: [], notBefore: new Map(), ...values }
}

function agent(id: string, values: Partial<FreeAgent> = {}): FreeAgent {
  return { id, idleSince: 0, serviced: 0, levels: new Map(), ...values }
}

const names = (found: ReturnType<typeof match>) => found && [found.caller.id, ...found.agents.map(({ id }) => id)]

test('who ranks first is offered first, and to whom has been idle for the longest', (t) => {
  const agents = [agent('a', { idleSince: 9 }), agent('b', { idleSince: 5 })]
  t.deepEqual(names(match([caller('1'), caller('2')], agents, rules, 10)), ['1', 'b'])
  t.is(match([], agents, rules, 10), undefined)
  t.is(match([caller('1')], [], rules, 10), undefined)
})

test('each way of routing chooses as it says', (t) => {
  const agents = [
    agent('a', { idleSince: 3, serviced: 5 }),
    agent('b', { idleSince: 2, serviced: 1 }),
    agent('c', { idleSince: 1, serviced: 1 }),
  ]
  const by = (method: Rules['method'], more: Partial<Rules> = {}) =>
    names(match([caller('1')], agents, { ...rules, method, ...more }, 10))!.slice(1)
  t.deepEqual(by('longest_idle'), ['c'])
  t.deepEqual(by('linear'), ['a'])
  t.deepEqual(by('least_calls'), ['c'])
  t.deepEqual(by('ring_all'), ['a', 'b', 'c'])
  t.deepEqual(by('random'), ['c'])
  t.deepEqual(by('random', { random: () => 0 }), ['a'])
  t.deepEqual(by('round_robin'), ['a'])
  t.deepEqual(by('round_robin', { lastAgent: 'a' }), ['b'])
  t.deepEqual(by('round_robin', { lastAgent: 'c' }), ['a'])
})

test('a caller is passed over only where nobody who is free may take them', (t) => {
  const german = { tag_id: 'german', level: 5 }
  const callers = [caller('1', { skills: [german] }), caller('2')]
  t.deepEqual(names(match(callers, [agent('a')], rules, 10)), ['2', 'a'])
  const speaks = agent('b', { levels: new Map([['german', 5]]), idleSince: 8 })
  t.deepEqual(names(match(callers, [agent('a'), speaks], rules, 10)), ['1', 'b'])
})

test('what is required becomes less while the caller waits, but the tag itself has to be there', (t) => {
  const required = { ...rules, skills: [{ tag_id: 'german', level: 8 }], steps: [{ after: 1_000, levels_less: 3 }] }
  const some = agent('a', { levels: new Map([['german', 5]]) })
  t.is(match([caller('1')], [some], required, 999), undefined)
  t.deepEqual(names(match([caller('1')], [some], required, 1_000)), ['1', 'a'])
  const steps = [{ after: 0, levels_less: 9 }]
  t.is(match([caller('1')], [agent('b')], { ...required, steps }, 1_000), undefined)
})

test('who has not taken a caller is left alone with them for a while, and gets the next', (t) => {
  const first = caller('1', { notBefore: new Map([['a', 500]]) })
  t.deepEqual(names(match([first, caller('2')], [agent('a')], rules, 499)), ['2', 'a'])
  t.deepEqual(names(match([first, caller('2')], [agent('a')], rules, 500)), ['1', 'a'])
})
