import test from 'ava'
import { Counts } from './counts.ts'

const lines = `
  - [skip] a › left out
  - [todo] a › to do
  ✔ a › works
  ✘ [fail]: a › fails
  ✔ [expected fail] a › known (1.2s)
    ℹ   ✔ said by a test

  Uncaught exception in test/c.test.ts

  ✘ test/c.test.ts exited with a non-zero exit code: 1
  ✘ 1 test remaining in test/d.test.ts
  ✘ Timed out while running tests

  1 test failed`

test('tests that ran are counted, and what went wrong outside of tests is a failure', (t) => {
  const counts = new Counts()
  for (const line of lines.split('\n')) counts.read(line)
  t.is(counts.passed, 2)
  t.is(counts.failed, 4)
})
