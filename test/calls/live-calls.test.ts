import test from 'ava'
import { LiveCalls } from '../../src/calls/live-calls.ts'
import type { AriNode } from '../../src/ari/connection.ts'
import type { Call } from '../../src/calls/call.ts'

test('a call of another process is not said to be ended, nor to have ended', async (t) => {
  const switchboard = new LiveCalls()
  switchboard.nodes = [{ name: 'here:8088', carried: true } as AriNode]
  await t.throwsAsync(switchboard.hangup('a call', 'elsewhere:8088'), { message: /^another process carries Asterisk/ })
  await t.throwsAsync(switchboard.hangup('a call', 'here:8088'), { message: 'the call has ended already' })
})

test('two Asterisks that give their channels the same ids do not hide calls of each other', (t) => {
  const liveCalls = new LiveCalls()
  const [here, there] = [{ name: 'here:8088' } as AriNode, { name: 'there:8088' } as AriNode]
  const forever = new Promise<void>(() => undefined)
  liveCalls.add({ id: 'a call', channelId: '1795735665.0', node: here, ended: forever } as Call, forever)
  t.true(liveCalls.hasChannel(here, '1795735665.0'))
  t.false(liveCalls.hasChannel(there, '1795735665.0'))
})
