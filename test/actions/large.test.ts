import test from 'ava'
import { ActionError } from '../../src/actions/action.ts'
import { checkActions } from '../../src/actions/check.ts'
import { setVariable, substitute } from '../../src/actions/variables.ts'
import { parseJson } from '../../src/json.ts'
import { longestDelay } from '../support/delay.ts'
import { id } from './support.ts'

const fill = (text: string, variables: Record<string, string>): string => substitute({ text }, variables).filled.text

test.serial('each variable is filled in once, and what only looks like one stays', (t) => {
  const variables = { a: '1', 'b c': '${a}', '${a': 'odd', '': 'no name' }
  for (const [text, filled] of [
    ['${a}${a}-${b c}', '11-${a}'],
    ['${nothing}.', '.'],
    ['${constructor}${__proto__}', ''],
    ['${${a}}', 'odd}'],
    ['${}', 'no name'],
    ['${a', '${a'],
    ['$ {a} } {a} $', '$ {a} } {a} $'],
    ['${a}${', '1${'],
  ] as const)
    t.is(fill(text, variables), filled, text)
  t.deepEqual(substitute({ list: ['${a}', 1, null, { deep: '${a}' }] }, variables).filled, {
    list: ['1', 1, null, { deep: '1' }],
  })
})

test.serial('a text is filled in at one look, however it was made, and no further than it may be long', async (t) => {
  const variables = { v: 'x'.repeat(32_768) }
  for (const text of ['${'.repeat(100_000), '${v}'.repeat(12_000), '${'.repeat(50_000) + '}', '}${'.repeat(50_000)]) {
    const delay = await longestDelay(async () => {
      for (let times = 0; times < 10; times++) t.true(fill(text, variables).length <= 200_000)
    })
    t.true(delay < 500, `${delay} ms for ten times ${text.slice(0, 8)}…`)
  }
  t.is(fill('${v}'.repeat(12_000), variables).length, 32_768)
})

test.serial('all that is filled into an option has a bound, wherever in it', (t) => {
  const variables = { v: 'x'.repeat(32_768) }
  const wide = { data: Array.from({ length: 12_000 }, () => '${v}') }
  const before = process.memoryUsage().heapUsed
  t.throws(() => substitute(wide, variables), { instanceOf: ActionError, message: /over 262144 characters/ })
  t.true(process.memoryUsage().heapUsed - before < 50_000_000)
  t.notThrows(() => substitute({ data: Array.from({ length: 8 }, () => '${v}') }, variables))
})

test.serial('an activeflow has so many variables and not more', (t) => {
  const variables: Record<string, string> = {}
  for (let number = 0; number < 3_000; number++) setVariable(variables, `name ${number}`, 'x')
  t.is(Object.keys(variables).length, 1_000)
  setVariable(variables, 'name 1', 'y')
  t.is(variables['name 1'], 'y')
})

const call = (actions: object[]) => ({
  type: 'call',
  option: { destinations: [{ type: 'sip', target: 'sip:a@b.test' }], actions },
})
const targets = (index: number) =>
  Object.fromEntries(Array.from({ length: 40 }, (_, key) => [key, id((index * key) % 1_000)]))

/** Lists that took from one second to minutes when they were checked. */
const hostile: Record<string, { list: object[]; good?: true }> = {
  'a thousand branches of forty': {
    list: Array.from({ length: 1_000 }, (_, index) => ({
      ...{ id: id(index), type: 'branch', option: { target_ids: targets(index), variable: 'a' } },
    })),
    good: true,
  },
  'a thousand time zones': {
    list: Array.from({ length: 1_000 }, (_, index) => ({
      ...{ id: id(index), type: 'condition_datetime' },
      option: { condition: '==', timezone: 'Europe/Berlin', false_target_id: id(999) },
    })),
    good: true,
  },
  'webhooks with texts': {
    list: Array.from({ length: 1_000 }, (_, index) => ({
      ...{ type: 'webhook_send', option: { uri: `https://a.test/${index}`, data: 'x'.repeat(150) } },
    })),
    good: true,
  },
  'lists in lists': { list: Array.from({ length: 15 }, () => call(Array<object>(1_000).fill({ type: 'stop' }))) },
  'a play of 80,000': { list: [{ type: 'play', option: { stream_urls: Array<string>(80_000).fill('') } }] },
  'a connect of 40,000 nothings': {
    list: [{ type: 'connect', option: { destinations: Array<object>(40_000).fill({}) } }],
  },
  'an option of 40,000 fields': {
    list: [{ type: 'stop', option: Object.fromEntries(Array.from({ length: 40_000 }, (_, key) => [`k${key}`, 1])) }],
  },
  'data of 40,000 fields': {
    list: [
      {
        type: 'webhook_send',
        option: {
          ...{ uri: 'https://a.test/' },
          data: Object.fromEntries(Array.from({ length: 40_000 }, (_, key) => [`k${key}`, 1])),
        },
      },
    ],
  },
  // It is not known how long it is when its variables are filled in.
  'a name of braces': { list: [{ type: 'variable_set', option: { key: '${'.repeat(100_000) + '\n' } }], good: true },
  'actions of 40,000 fields': {
    list: [Object.fromEntries(Array.from({ length: 40_000 }, (_, key) => [`k${key}`, 1]))],
  },
  'everything wrong': {
    list: Array.from({ length: 1_000 }, () => ({
      type: 'connect',
      option: { destinations: [1, 2, {}, { type: 'x' }] },
    })),
  },
}

for (const [what, { list, good }] of Object.entries(hostile)) {
  test.serial(`${what}: checked in slices, and never much of a second`, async (t) => {
    await checkActions([{ type: 'answer' }], 'warm')
    let problems: object[] = []
    const delay = await longestDelay(async () => ({ problems } = await checkActions(list, 'a customer')))
    t.true(delay < 500, `the event loop was held for ${delay} ms`)
    t.is(problems.length === 0, good === true, JSON.stringify(problems.slice(0, 2)))
    t.true(problems.length <= 100)
  })
}

test.serial(
  'ten lists at once hold the event loop no longer than one, and a short one of somebody else does not wait for them',
  async (t) => {
    const { list } = hostile['webhooks with texts']!
    let others = 0
    const delay = await longestDelay(async () => {
      const long = Promise.all(Array.from({ length: 10 }, () => checkActions(list, 'one').then(() => others++)))
      await checkActions([{ type: 'answer' }, { type: 'stop' }], 'another')
      t.true(others < 10)
      await long
    })
    t.true(delay < 500, `${delay} ms`)
  },
)

test.serial('lists may be in lists, and all of them have a thousand actions together', async (t) => {
  const inner = Array.from({ length: 499 }, () => ({ type: 'stop' }))
  t.deepEqual((await checkActions([call(inner), call(inner)], 'a')).problems, [])
  const { problems } = await checkActions([call(inner), call([...inner, ...inner])], 'a')
  t.deepEqual(
    problems.map(({ field }) => field),
    ['actions[1].option.actions'],
  )
})

test.serial('JSON is read with a bound on its values, in UTF-8, and without __proto__', async (t) => {
  const read = (text: string) => parseJson(Buffer.from(text))
  t.deepEqual(read('{"a":[1,{"b":"\\u005f{[,:\\""}]}'), { a: [1, { b: '_{[,:"' }] })
  t.deepEqual(read('{"a":"__proto__"}'), { a: '__proto__' })
  for (const text of [
    '{"__proto__":1}',
    '[{"a":{"\\u005f_proto__":1}}]',
    '{"__pr\\u006Fto__":{}}',
    '[0,{"__proto_\\u005f":1}]',
  ])
    t.throws(() => read(text), { message: /__proto__/ }, text)
  t.throws(() => parseJson(Buffer.from([0x22, 0xff, 0x22])))
  const texts = [`[${'1,'.repeat(100_000)}1]`, '['.repeat(130_000), `{${'"a":1,'.repeat(40_000)}"b":2}`]
  const delay = await longestDelay(async () => {
    for (const text of texts) t.throws(() => read(text), { message: /more than 40000 values/ })
    t.is(
      Object.keys(read(`{${Array.from({ length: 19_000 }, (_, key) => `"k${key}":1`).join(',')}}`) as object).length,
      19_000,
    )
  })
  t.true(delay < 500, `${delay} ms`)
})
