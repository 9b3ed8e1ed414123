import test from 'ava'
import { TapCounts } from './tap.ts'

const lines = `TAP version 13
ok 1 - a › works
ok 2 - a › left out # SKIP
not ok 3 - a › to do # TODO
not ok 4 - a › fails
  ---
    message: 'ok 9 - not a line of its own'
  ...
#   ok 10 - said by a test
not ok 5 - Error: loose
not ok 6 - test/b.test.ts exited with a non-zero exit code: 1
1..6`

test('tests that ran are counted, and what went wrong outside of tests is a failure', (t) => {
  const counts = new TapCounts()
  for (const line of lines.split('\n')) counts.read(line)
  t.is(counts.passed, 1)
  t.is(counts.failed, 3)
})
