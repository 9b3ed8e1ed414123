import { randomInt } from 'node:crypto'
import test from 'ava'
import { flow } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { header } from '../support/sip.ts'
import { device, hasEnded, latestCall, sdp } from './support.ts'

const asserted = ['P-Asserted-Identity: "Ann" <sip:+4930123@carrier.test>']
const anonymous = '"Anonymous" <sip:anonymous@anonymous.invalid>'

test('a trunk’s asserted identity names an anonymous caller to us, and to the callee only without Privacy: id', async (t) => {
  const setup = await setUp(t)
  const carrier = await setup.sip('127.0.32.1')
  const extension = await setup.extension()
  const phone = await device(setup, extension)
  const destinations = [{ type: 'extension', target: extension.id }]
  await flow(setup, [['connect', { destinations }]])
  const { body } = await setup.api<{ result: { id: string }[] }>('GET', '/flows')
  const number = `+99${randomInt(1e9, 1e10)}`
  await setup.api('POST', '/numbers', { number, call_flow_id: body.result[0]!.id })
  const trunk = { domain_name: 'nowhere.invalid', auth_types: ['ip'], allowed_ips: ['127.0.32.1'] }
  t.is((await setup.api('POST', '/trunks', trunk)).status, 201)
  for (const [privacy, shown] of [
    [[], /<sip:\+4930123@/],
    [['Privacy: id'], /anonymous/i],
  ] as const) {
    const since = phone.received.length
    const call = { uri: `sip:${number}@127.0.0.1`, from: anonymous, body: sdp('127.0.32.1', 40000) }
    const answered = carrier.request('INVITE', { ...call, extra: [...asserted, ...privacy] })
    const invite = await phone.message(({ method }) => method === 'INVITE', since)
    t.regex(header(invite, 'from'), shown)
    phone.reply(invite, '486 Busy Here')
    carrier.acknowledge(await answered, call)
    const source = { type: 'tel', target: '+4930123', target_name: 'Ann' }
    t.like(await latestCall(setup.api, hasEnded), { source })
  }
})

test('a stranger’s asserted identity is nothing to us nor to the callee', async (t) => {
  const setup = await setUp(t)
  const caller = await setup.sip('127.0.32.3')
  const extension = await setup.extension()
  const phone = await device(setup, extension)
  const call = { uri: extension.direct_uri, from: '<sip:stranger@far.test>', body: sdp('127.0.32.3', 40000) }
  const answered = caller.request('INVITE', { ...call, extra: asserted })
  const invite = await phone.message(({ method }) => method === 'INVITE')
  t.notRegex(invite.text, /4930123/)
  phone.reply(invite, '486 Busy Here')
  caller.acknowledge(await answered, call)
  t.like(await latestCall(setup.api, hasEnded), { source: { type: 'sip', target: 'stranger' } })
})
