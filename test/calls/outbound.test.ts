import { randomInt } from 'node:crypto'
import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { setUp, type Setup } from '../support/setup.ts'
import { header } from '../support/sip.ts'
import { hasEnded, latestCall, leavesNothing, sdp } from './support.ts'

async function trunk(setup: Setup, domain_name: string): Promise<void> {
  const values = { auth_types: ['ip'], allowed_ips: ['127.0.33.99'], domain_name }
  const { status, body } = await setup.api('POST', '/trunks', values)
  if (status !== 201) throw new Error(JSON.stringify(body))
}

const numberAt = (number: string, domain: string): string => `sip:${number}@${domain}`

test('a phone whose extension may dials a number by the trunk, and both hear each other', async (t) => {
  const setup = await setUp(t)
  const carrier = await setup.carrier({ address: '127.0.33.1', caller: '+493077' })
  await trunk(setup, carrier.domain)
  const extension = await setup.extension()
  t.is((await setup.api('PUT', `/extensions/${extension.id}`, { outbound: true })).status, 200)
  const phone = await setup.phone(extension)
  await phone.dial(numberAt('+4930123456', extension.domain_name))
  await phone.established()
  t.true(await phone.hears(phone), 'the carrier sends its tone back')
  await phone.hangup()
  const call = await latestCall(setup.api, hasEnded)
  t.like(call, {
    source: { type: 'extension', target: extension.id, target_name: extension.username },
    destination: { type: 'tel', target: '+4930123456' },
    hangup_reason: 'normal',
  })
  t.true(await becomesTrue(5_000, async () => (await carrier.channels()) === 0))
  t.true(await leavesNothing(setup.stack, call.activeflow_id))
})

test('the carrier is shown the first number of the customer, and its answer is the caller’s', async (t) => {
  const setup = await setUp(t)
  const farEnd = await setup.sip('127.0.33.2')
  await trunk(setup, `127.0.33.2:${farEnd.port}`)
  const number = `+99${randomInt(1e9, 1e10)}`
  t.is((await setup.api('POST', '/numbers', { number })).status, 201)
  const extension = await setup.extension()
  await setup.api('PUT', `/extensions/${extension.id}`, { outbound: true })
  const phone = await setup.sip()
  const from = `<sip:${extension.username}@${extension.domain_name}>`
  const call = { uri: numberAt('+4930123456', extension.domain_name), from, body: sdp('127.0.0.1', 40000) }
  const answered = phone.authenticated('INVITE', call, extension)
  const invite = await farEnd.message(({ method }) => method === 'INVITE')
  t.is(invite.start, `INVITE sip:+4930123456@127.0.33.2:${farEnd.port} SIP/2.0`)
  t.true(header(invite, 'from').includes(`<sip:${number}@`), header(invite, 'from'))
  farEnd.reply(invite, '486 Busy Here')
  t.is((await answered).status, 486)
})

test('no extension may dial numbers unless that is said, and what is said is shown', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const shown = async () => (await setup.api<{ outbound: boolean }>('GET', `/extensions/${extension.id}`)).body.outbound
  t.false(await shown())
  const phone = await setup.sip()
  const from = `<sip:${extension.username}@${extension.domain_name}>`
  const uri = numberAt('+4930123456', extension.domain_name)
  const dial = () => phone.authenticated('INVITE', { uri, from, body: sdp('127.0.0.1', 40000) }, extension)
  t.is((await dial()).start, 'SIP/2.0 403 Outbound Calls Not Allowed')
  await setup.api('PUT', `/extensions/${extension.id}`, { outbound: true })
  t.true(await shown())
  t.is((await dial()).status, 404, 'there is no trunk')
  await setup.api('PUT', `/extensions/${extension.id}`, { outbound: false })
  t.is((await dial()).status, 403)
})
