import test from 'ava'
import { startStack } from '../../src/stack/stack.ts'
import { setUp } from '../support/setup.ts'
import { hasEnded, hearEachOther, latestCall, leavesNothing, talking } from './support.ts'

/** A stack of this file's own, for its process is killed. */
const ports = { sip: 30060, api: 30080, asteriskSip: 30070, ari: 30088, mysql: 30316, rtpFrom: 30400, rtpTo: 30999 }
const stack = await startStack({ name: 'agent-crash', ports, fresh: true })
test.after.always(() => stack.stop())

test.serial('an agent who goes offline during a call goes on talking when Hashdial is killed', async (t) => {
  const setup = await setUp(t, stack)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const addresses = [{ type: 'extension', target: extension.id }]
  const values = { username: 'jane', password: 'a long password', addresses }
  const { id } = (await setup.api<{ id: string }>('POST', '/agents', values)).body
  await setup.api('PUT', `/agents/${id}/status`, { status: 'available' })
  const agent = await setup.api<{ direct_uri: string }>('POST', `/agents/${id}/direct-hash-regenerate`)
  const stranger = await talking(t, setup, agent.body.direct_uri, phone)
  await setup.api('PUT', `/agents/${id}/status`, { status: 'offline' })
  await stack.part('hashdial').kill9()
  await stack.part('hashdial').start()
  await latestCall(setup.api, ({ status }) => status === 'progressing')
  await hearEachOther(t, stranger, phone)
  await stranger.hangup()
  await phone.closed()
  t.is((await latestCall(setup.api, hasEnded)).hangup_reason, 'normal')
  t.true(await leavesNothing(stack))
})
