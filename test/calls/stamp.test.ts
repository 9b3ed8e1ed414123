import test from 'ava'
import { newTrail, stamp, trailOf } from '../../src/calls/stamp.ts'

const header = 'PJSIP_HEADER(add,Hashdial-Leg)'

test('a leg says whose it is, where the call has been and how far it may go', (t) => {
  const trail = trailOf('from=example.com;forwards=69;via=', 'b')
  t.deepEqual(trail, { via: ['b'], forwards: 69, domain: 'example.com' })
  t.deepEqual(stamp('c', trail), { [header]: 'customer=c;forwards=63;via=b' })
  const further = trailOf('from=;forwards=63;via=b', 'd')
  t.deepEqual(stamp('c', further, '192.0.2.1:5060/udp'), {
    [header]: 'customer=c;forwards=57;via=b/d;next=192.0.2.1:5060/udp',
  })
  t.deepEqual(stamp('c', newTrail), { [header]: 'customer=c;forwards=64' })
  t.deepEqual(trailOf('', 'b'), { via: ['b'], forwards: 70, domain: undefined })
})

test('a call that goes round and round has no Max-Forwards left in the end, and one with few is not cut off', (t) => {
  const next = (forwards: number) => Number(/forwards=(\d+)/.exec(stamp('c', { ...newTrail, forwards })[header]!)![1])
  let [forwards, rounds] = [70, 0]
  while (forwards > 0) [forwards, rounds] = [next(forwards), rounds + 1]
  t.true(rounds < 20, `${rounds} rounds`)
  t.true(next(10) >= 5)
  t.is(next(0), 0)
})
