import test from 'ava'
import { RepeatedDigits } from '../../src/calls/repeated-digits.ts'

/** What counts of what Asterisk tells: each as [key, milliseconds, when it ended]. */
function counted(told: readonly [key: string, ms: number, end: number][]): string {
  const presses = new RepeatedDigits()
  return told.flatMap(([key, ms, end]) => (presses.isNew(key, ms, end) ? [key] : [])).join('')
}
const info = 37

test('the same key twice is two keys, however quickly it is pressed', (t) => {
  for (const [ms, gap] of [
    [100, 100],
    [100, 50],
    [50, 50],
    [500, 60],
  ] as const) {
    const keys = [0, 1, 2, 3].map((n): [string, number, number] => ['5', ms, ms + n * (ms + gap)])
    t.is(counted(keys), '5555', `${ms} ms, and ${gap} ms between them`)
  }
})

test('a key that came by RTP and by INFO is one, whichever is first', (t) => {
  t.is(counted([...key('5', 100, 0), ['5', info, 120]]), '5')
  t.is(counted([['5', info, 10], ...key('5', 100, 0)]), '5')
  t.is(
    counted([
      ['5', info, 10],
      ['5', 100, 100],
      ['5', info, 210],
      ['5', 100, 300],
    ]),
    '55',
  )
  t.is(
    counted([
      ['5', 100, 100],
      ['5', 100, 300],
      ['5', info, 310],
      ['5', info, 330],
    ]),
    '55',
  )
})

test('of both ways as many count as came by one, when some were lost', (t) => {
  t.is(
    counted([
      ['5', info, 100],
      ['5', info, 400],
      ['5', 100, 390],
      ['5', 100, 700],
      ['5', info, 710],
    ]),
    '555',
  )
})

test('a key that Asterisk kept back and tells again is one', (t) => {
  // 100 ms and a gap of 20: what Asterisk 22 tells of 1, 2, 3, 4 (the third and fourth twice).
  t.is(
    counted([
      ['1', 100, 100],
      ['2', 100, 220],
      ['3', 100, 340],
      ['3', 100, 366],
      ['4', 100, 460],
      ['4', 100, 532],
    ]),
    '1234',
  )
})

test('a key long after another is a new one, by whichever way it comes', (t) => {
  t.is(
    counted([
      ['5', 100, 0],
      ['5', info, 5_000],
      ['5', 100, 10_000],
    ]),
    '555',
  )
})

const key = (digit: string, ms: number, begin: number): [string, number, number][] => [[digit, ms, begin + ms]]
