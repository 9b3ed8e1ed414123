import test from 'ava'
import { Limits } from '../../src/calls/limits.ts'
import { createLogger } from '../../src/log.ts'

/** Limits, and how often they told the log something. */
function limits(): { limits: Limits; lines: string[] } {
  const lines: string[] = []
  return { limits: new Limits(createLogger('info', { write: (line: string) => void lines.push(line) })), lines }
}

function makeCall(
  id: string,
  customer_id = 'one',
): { id: string; row: { customer_id: string }; ended: Promise<void>; end: () => void } {
  let end = () => undefined as void
  const ended = new Promise<void>((resolve) => (end = resolve))
  return { id, row: { customer_id }, ended, end }
}

test('a customer has as many calls at once as it may have; one that is over makes room', async (t) => {
  const { limits: counted, lines } = limits()
  const most = { max_calls: 2, calls_per_second: 20 }
  const first = makeCall('1')
  t.true(counted.admit(first, most))
  t.true(counted.admit(makeCall('2'), most))
  for (let n = 3; n < 100; n++) t.false(counted.admit(makeCall(String(n)), most))
  t.true(counted.admit(makeCall('other', 'two'), most), 'another customer')
  t.is(lines.length, 1, 'the log is told once')
  t.throws(() => counted.check('one', 1, most), { message: /2 calls at once, of 2/ })
  first.end()
  await first.ended
  t.notThrows(() => counted.check('one', 1, most))
  t.throws(() => counted.check('one', 2, most))
  t.true(counted.admit(makeCall('100'), most))
})

test('a limit that was changed counts from the next call on; a call that was taken over is counted in any case', (t) => {
  const { limits: counted } = limits()
  for (const id of ['1', '2', '3']) counted.count(makeCall(id))
  t.false(counted.admit(makeCall('4'), { max_calls: 3, calls_per_second: 20 }))
  t.true(counted.admit(makeCall('4'), { max_calls: 4, calls_per_second: 20 }))
  t.throws(() => counted.check('one', 1))
})

test('a customer begins as many calls in a second as it may; one order is not cut into pieces', (t) => {
  const { limits: counted } = limits()
  const most = { max_calls: 1_000, calls_per_second: 3 }
  counted.check('one', 1, most)
  for (let n = 0; n < 3; n++) counted.takeRate('one', 1)
  t.throws(() => counted.takeRate('one', 1), { message: /3 calls may be begun in a second/ })
  counted.check('two', 20, most)
  t.notThrows(() => counted.takeRate('two', 20))
  t.throws(() => counted.takeRate('two', 1))
  counted.check('three', 1, { max_calls: 5, calls_per_second: 0 })
  t.throws(() => counted.takeRate('three', 1))
})

test('the legs of all its calls are bounded too', (t) => {
  const { limits: counted } = limits()
  counted.check('one', 1, { max_calls: 20, calls_per_second: 20 })
  const done = counted.takeLegs('one', 20)
  counted.takeLegs('one', 20)
  t.throws(() => counted.takeLegs('one', 1), { message: /40 destinations/ })
  done()
  t.notThrows(() => counted.takeLegs('one', 20))
})
