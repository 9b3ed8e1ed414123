import test from 'ava'
import { makeFlow } from '../actions/support.ts'
import { setUp } from '../support/setup.ts'
import { device, hasEnded, latestCall, leavesNothing, sdp } from './support.ts'

test('a device that sends a call elsewhere (302) reaches nobody’s flow by that', async (t) => {
  const [setup, victim] = [await setUp(t), await setUp(t)]
  const extension = await setup.extension()
  const phone = await device(setup, extension)
  const flow = await makeFlow(victim, [{ type: 'answer' }])
  for (const contact of [`sip:flow.${flow.id}@127.0.0.1`, flow.direct_uri, `sip:101@127.0.0.1:${phone.port}`]) {
    const caller = await setup.sip()
    const call = { uri: extension.direct_uri, body: sdp('127.0.0.1', 40000) }
    const since = phone.received.length
    const answered = caller.request('INVITE', call, 15_000)
    const invite = await phone.message(({ method }) => method === 'INVITE', since)
    phone.reply(invite, '302 Moved Temporarily', [`Contact: <${contact}>`])
    const answer = await answered
    caller.acknowledge(answer, call)
    t.is(answer.status, 480, contact)
    const ended = await latestCall(setup.api, hasEnded)
    t.true(await leavesNothing(setup.stack, ended.activeflow_id))
  }
  const { body } = await victim.api<{ result: object[] }>('GET', '/calls')
  t.deepEqual(body.result, [])
})
