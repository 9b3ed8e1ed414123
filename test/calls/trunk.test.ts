import { randomInt } from 'node:crypto'
import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { activeflow, flow as makeFlow, type ActiveflowView, type Short } from '../support/flows.ts'
import { setUp, type Setup } from '../support/setup.ts'
import { header } from '../support/sip.ts'
import { hasEnded, latestCall, sdp } from './support.ts'

const caller = '+493055501'

/** A number of the customer's that leads to a flow of these actions. */
async function number(setup: Setup, actions: readonly Short[]): Promise<string> {
  const address = await makeFlow(setup, actions)
  const { body } = await setup.api<{ result: { id: string; direct_uri: string }[] }>('GET', '/flows')
  const values = {
    number: `+99${randomInt(1e9, 1e10)}`,
    call_flow_id: body.result.find(({ direct_uri }) => direct_uri === address)!.id,
  }
  const { status } = await setup.api('POST', '/numbers', values)
  if (status !== 201) throw new Error(`the number is refused: ${status}`)
  return values.number
}

async function trunk(setup: Setup, values: object): Promise<void> {
  const { status, body } = await setup.api('POST', '/trunks', { domain_name: 'nowhere.invalid', ...values })
  if (status !== 201) throw new Error(`the trunk is refused: ${JSON.stringify(body)}`)
}

const ways = {
  'its address': { ip: ['127.0.31.1'], login: undefined },
  'its password': { ip: undefined, login: { username: 'carrier', password: 'a long password' } },
}

for (const [way, { ip, login }] of Object.entries(ways)) {
  test(`a caller from a carrier that is let in by ${way} talks to a phone`, async (t) => {
    const setup = await setUp(t)
    const extension = await setup.extension()
    const phone = await setup.phone(extension)
    const dialled = await number(setup, [['connect', { destinations: [{ type: 'extension', target: extension.id }] }]])
    await trunk(setup, ip ? { auth_types: ['ip'], allowed_ips: ip } : { auth_types: ['basic'], ...login })
    const carrier = await setup.carrier({ address: ip?.[0] ?? '127.0.31.2', caller, ...(login && { login }) })
    await carrier.dial(`sip:${dialled}@sip.${setup.stack.site.baseDomain}`)
    await phone.rings()
    await phone.answer()
    t.true(await phone.hears(phone), 'the carrier sends its tone back')
    await phone.hangup()
    const call = await latestCall(setup.api, hasEnded)
    t.like(call, { source: { type: 'tel', target: caller }, destination: { type: 'number', target_name: dialled } })
    t.true(await becomesTrue(5_000, async () => (await carrier.channels()) === 0))
  })
}

test('a flow calls a number by the trunk, and the next trunk when the first is out of order', async (t) => {
  const setup = await setUp(t)
  const carrier = await setup.carrier({ address: '127.0.31.3', caller })
  const ip = { auth_types: ['ip'], allowed_ips: ['127.0.31.9'] }
  const broken = await setup.sip('127.0.31.8')
  await trunk(setup, { ...ip, domain_name: `127.0.31.8:${broken.port}` })
  await trunk(setup, { ...ip, domain_name: carrier.domain })
  const phone = await setup.stranger()
  await phone.dial(await makeFlow(setup, [['connect', { destinations: [{ type: 'tel', target: '+493077' }] }]]))
  broken.reply(await broken.message(({ method }) => method === 'INVITE'), '503 Service Unavailable')
  await phone.established()
  t.true(await phone.hears(phone), 'the carrier sends its tone back')
  await phone.hangup()
  t.true(await becomesTrue(5_000, async () => (await carrier.channels()) === 0))
})

test('a call that goes on from a number to another one shows the number that was dialled', async (t) => {
  const setup = await setUp(t)
  const farEnd = await setup.sip('127.0.31.5')
  const values = { auth_types: ['ip'], allowed_ips: ['127.0.31.5'], domain_name: `127.0.31.5:${farEnd.port}` }
  await trunk(setup, values)
  const dialled = await number(setup, [['connect', { destinations: [{ type: 'tel', target: '+493077' }] }]])
  const uri = `sip:${dialled}@sip.${setup.stack.site.baseDomain}`
  const call = { uri, from: `<sip:${caller}@carrier.test>`, body: sdp('127.0.31.5', 40000) }
  const answered = farEnd.request('INVITE', call)
  const invite = await farEnd.message(({ method }) => method === 'INVITE')
  t.is(invite.start, `INVITE sip:+493077@127.0.31.5:${farEnd.port} SIP/2.0`)
  t.true(header(invite, 'from').includes(`<sip:${dialled}@`), header(invite, 'from'))
  farEnd.reply(invite, '486 Busy Here')
  farEnd.acknowledge(await answered, call)
  t.is((await answered).status, 480)
})

test('without a trunk a number cannot be called, and a far end that wants a password is not reached', async (t) => {
  const setup = await setUp(t)
  const uri = await makeFlow(setup, [
    ['connect', { destinations: [{ type: 'tel', target: '+493077' }], relay_reason: true }],
  ])
  const phone = await setup.stranger()
  await phone.dial(uri)
  t.regex(await phone.closed(), /^404 /)
  await phone.dial(await makeFlow(setup, [['connect', { destinations: [{ type: 'tel', target: '+493077' }] }]]))
  await phone.closed()
  const withoutTrunk = ({ status, executed_actions }: ActiveflowView) =>
    status === 'ended' && /needs a trunk/.test(executed_actions[0]?.result ?? '')
  t.truthy(await activeflow(setup, withoutTrunk))
  const farEnd = await setup.sip('127.0.31.4')
  await trunk(setup, { auth_types: ['ip'], allowed_ips: ['127.0.31.9'], domain_name: `127.0.31.4:${farEnd.port}` })
  await phone.dial(uri)
  const invite = await farEnd.message(({ method }) => method === 'INVITE')
  farEnd.reply(invite, '401 Unauthorized', ['WWW-Authenticate: Digest realm="far", nonce="1", algorithm=MD5'])
  t.regex(await phone.closed(), /^480 /)
})
