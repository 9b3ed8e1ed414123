import test from 'ava'
import { oneAtATime } from '../src/turns.ts'

test('what takes much memory is done one after another for each owner, also when some of it fails', async (t) => {
  let [most, underway] = [0, 0]
  const work = (owner: string) => async () => {
    most = Math.max(most, ++underway)
    await new Promise((resolve) => setImmediate(resolve))
    underway--
    if (owner === 'fails') throw new Error('it failed')
    return owner
  }
  const all = ['a', 'fails', 'b', 'c'].map((name) => oneAtATime('one', work(name)))
  const ends = await Promise.allSettled(all)
  t.deepEqual(
    ends.map((end) => (end.status === 'fulfilled' ? end.value : (end.reason as Error).message)),
    ['a', 'it failed', 'b', 'c'],
  )
  t.is(most, 1)
  t.deepEqual(await Promise.all([oneAtATime('one', work('d')), oneAtATime('two', work('e'))]), ['d', 'e'])
  t.is(most, 2)
})
