import test from 'ava'
import { hearEachOther } from '../calls/support.ts'
import { setUp } from '../support/setup.ts'
import { agentIs, agentWithPhone, makeQueue, says, statusesAre, waits } from './support.ts'

test('an agent who is called at its extension rings and is busy, and no queue rings it meanwhile', async (t) => {
  const setup = await setUp(t)
  const { agent, phone, extension } = await agentWithPhone(setup)
  const queue = await makeQueue(setup)
  const stranger = await setup.stranger()
  await stranger.dial(extension.direct_uri)
  await phone.rings()
  await agentIs(t, setup, agent, 'ringing')
  await phone.answer()
  await agentIs(t, setup, agent, 'busy')
  const caller = await waits(setup, queue)
  await statusesAre(t, setup, queue, ['waiting'])
  await stranger.hangup()
  await phone.closed()
  await phone.rings()
  await phone.answer()
  await hearEachOther(t, caller, phone)
  await caller.hangup()
  await agentIs(t, setup, agent, 'available')
})

test('an agent who calls somebody is busy until that is over, and then as it was', async (t) => {
  const setup = await setUp(t)
  const { agent, phone } = await agentWithPhone(setup)
  const other = await setup.extension()
  const colleague = await setup.phone(other)
  await says(setup, agent, 'away')
  await phone.dial(`sip:${other.username}@${other.domain_name}`)
  await colleague.rings()
  await agentIs(t, setup, agent, 'busy')
  await colleague.answer()
  await hearEachOther(t, phone, colleague)
  await says(setup, agent, 'available')
  await agentIs(t, setup, agent, 'busy')
  await colleague.hangup()
  await agentIs(t, setup, agent, 'available')
})
