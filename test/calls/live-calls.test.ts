import test from 'ava'
import { LiveCalls } from '../../src/calls/live-calls.ts'
import type { AriNode } from '../../src/ari/connection.ts'

test('a call of another process is not said to be ended, nor to have ended', async (t) => {
  const switchboard = new LiveCalls()
  switchboard.nodes = [{ name: 'here:8088', carried: true } as AriNode]
  await t.throwsAsync(switchboard.hangup('a call', 'elsewhere:8088'), { message: /^another process carries Asterisk/ })
  await t.throwsAsync(switchboard.hangup('a call', 'here:8088'), { message: 'the call has ended already' })
})
