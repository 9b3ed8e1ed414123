import test, { type ExecutionContext } from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { BareCaller } from '../support/caller.ts'
import { callFlow, flow } from '../support/flows.ts'
import { setUp, type Extension, type Setup } from '../support/setup.ts'
import type { Softphone } from '../support/softphone.ts'
import { Transferor } from '../support/transferor.ts'
import { hasEnded, hearEachOther, latestCall, leavesNothing, sdp, talking } from './support.ts'
import type { CallView } from './support.ts'

const aorOf = ({ username, domain_name }: Extension): string => `sip:${username}@${domain_name}`
const isUp = ({ status }: CallView): boolean => status === 'progressing'

interface Three {
  setup: Setup
  caller: Softphone
  first: Softphone
  second: Softphone
  other: Extension
}

/** A caller who talks with a device of the customer, and another device. */
async function three(t: ExecutionContext): Promise<Three> {
  const setup = await setUp(t)
  const [one, other] = [await setup.extension(), await setup.extension()]
  const [first, second] = [await setup.phone(one), await setup.phone(other)]
  return { setup, caller: await talking(t, setup, one.direct_uri, first), first, second, other }
}

/** A caller who talks with a device that may dial numbers, and a number that a carrier answers. */
async function withTrunk(t: ExecutionContext) {
  const setup = await setUp(t)
  const carrier = await setup.carrier({ address: '127.0.33.21', caller: '+493077' })
  const trunk = { auth_types: ['ip'], allowed_ips: ['127.0.33.98'], domain_name: carrier.domain }
  t.is((await setup.api('POST', '/trunks', trunk)).status, 201)
  const one = await setup.extension()
  t.is((await setup.api('PUT', `/extensions/${one.id}`, { outbound: true })).status, 200)
  const first = await setup.phone(one)
  const caller = await talking(t, setup, one.direct_uri, first)
  return { setup, caller, first, number: `sip:+4930123456@${one.domain_name}` }
}

async function endsWell(t: ExecutionContext, setup: Setup, id: string): Promise<void> {
  const read = async () => (await setup.api<CallView>('GET', `/calls/${id}`)).body
  t.true(await becomesTrue(10_000, async () => hasEnded(await read())), 'it is the same call to the end')
  t.true(await leavesNothing(setup.stack, (await read()).activeflow_id))
}

test('a device sends its caller to an extension, and the two hear each other', async (t) => {
  const { setup, caller, first, second, other } = await three(t)
  const { id } = await latestCall(setup.api, isUp)
  await first.transfer(aorOf(other))
  await second.rings()
  await second.answer()
  await first.closed()
  await hearEachOther(t, caller, second)
  await second.hangup()
  await caller.closed()
  await endsWell(t, setup, id)
})

test('a device sends its caller to a direct address', async (t) => {
  const { setup, caller, first, second, other } = await three(t)
  const { id } = await latestCall(setup.api, isUp)
  await first.transfer(other.direct_uri)
  await second.rings()
  await second.answer()
  await hearEachOther(t, caller, second)
  await caller.hangup()
  await second.closed()
  await endsWell(t, setup, id)
})

test('who was sent for and is busy leaves the caller with the device that sent them, which is told so', async (t) => {
  const setup = await setUp(t)
  const [one, other] = [await setup.extension(), await setup.extension()]
  const second = await setup.phone(other)
  const caller = await setup.stranger()
  const first = await Transferor.answer(setup, one, () => caller.dial(one.direct_uri))
  await caller.established()
  const { id } = await latestCall(setup.api, isUp)
  const [{ progress }] = await Promise.all([first.transfer(aorOf(other)), second.rings().then(() => second.reject())])
  t.regex(progress, /^SIP\/2.0 [56]/)
  t.false(first.hasHungUp)
  t.is((await latestCall(setup.api, isUp)).id, id)
  await caller.hangup()
  await first.sip.message(({ method }) => method === 'BYE').then((bye) => first.sip.reply(bye, '200 OK'))
  await endsWell(t, setup, id)
})

test('a caller who hangs up while somebody is sent for leaves nothing behind', async (t) => {
  const { setup, caller, first, second, other } = await three(t)
  const { id } = await latestCall(setup.api, isUp)
  await first.transfer(aorOf(other))
  await second.rings()
  await caller.hangup()
  await second.closed()
  await endsWell(t, setup, id)
})

test('a device that has hung up is called again when nobody answers whom it has sent for', async (t) => {
  const { setup, caller, first, second, other } = await three(t)
  const { id } = await latestCall(setup.api, isUp)
  await first.transfer(aorOf(other))
  await second.rings()
  await first.hangup()
  await first.closed()
  await second.reject()
  await first.rings()
  await first.answer()
  await hearEachOther(t, caller, first)
  await caller.hangup()
  await first.closed()
  await endsWell(t, setup, id)
})

test('one who was sent for may send the caller on', async (t) => {
  const { setup, caller, first, second, other } = await three(t)
  const last = await setup.extension()
  const third = await setup.phone(last)
  await first.transfer(aorOf(other))
  await second.rings()
  await second.answer()
  await hearEachOther(t, caller, second)
  await second.transfer(aorOf(last))
  await third.rings()
  await third.answer()
  await hearEachOther(t, caller, third)
  await caller.hangup()
  await third.closed()
})

test('the API sends the caller to somebody else, and only while they talk with somebody', async (t) => {
  const { setup, caller, first, second, other } = await three(t)
  const { id } = await latestCall(setup.api, isUp)
  const send = async (destination: object) => (await setup.api('POST', `/calls/${id}/transfer`, { destination })).status
  t.is(await send({ type: 'extension', target_name: 'nobody' }), 404)
  t.is(await send({ type: 'extension', target: other.id }), 200)
  await second.rings()
  await second.answer()
  await first.closed()
  await hearEachOther(t, caller, second)
  await caller.hangup()
  await second.closed()
  await endsWell(t, setup, id)
  const alone = await callFlow(setup, [['answer'], ['sleep', { duration: 60_000 }]])
  const waiting = await latestCall(setup.api, isUp)
  const path = `/calls/${waiting.id}/transfer`
  t.is((await setup.api('POST', path, { destination: { type: 'extension', target: other.id } })).status, 409)
  await alone.hangup()
})

test('a number, a foreign address or nobody is not reached by a transfer without the right to it', async (t) => {
  const setup = await setUp(t)
  const [one, foreign] = [await setup.extension(), await (await setUp(t)).extension()]
  const caller = await setup.stranger()
  const first = await Transferor.answer(setup, one, () => caller.dial(one.direct_uri))
  const declined = { status: 202, progress: 'SIP/2.0 603 Decline' }
  t.deepEqual(await first.transfer(`sip:+4930123456@${one.domain_name}`), declined)
  t.deepEqual(await first.transfer(`sip:nobody@${one.domain_name}`), declined)
  t.deepEqual(await first.transfer(aorOf(foreign)), declined)
  t.is((await first.transfer('sip:bob@elsewhere.test')).status, 403)
  t.false(first.hasHungUp)
  t.is((await setup.api<{ result: object[] }>('GET', '/calls')).body.result.length, 1)
  await caller.hangup()
  await first.sip.message(({ method }) => method === 'BYE').then((bye) => first.sip.reply(bye, '200 OK'))
})

test('who has called sends nobody anywhere, and neither does a device twice at once; both are told so', async (t) => {
  const setup = await setUp(t)
  const [one, other] = [await setup.extension(), await setup.extension()]
  const second = await setup.phone(other)
  const caller = await BareCaller.open(t, setup)
  const dialled: Promise<unknown>[] = []
  const first = await Transferor.answer(setup, one, async () => {
    dialled.push(caller.dial(one.direct_uri, sdp('127.0.0.1', caller.ports[0]!)))
    await Promise.resolve()
  })
  await Promise.all(dialled)
  const asked = await caller.request('REFER', { extra: [`Refer-To: <${aorOf(other)}>`] })
  t.is(asked.status, 202)
  await caller.sip.message(({ method, body }) => method === 'NOTIFY' && body.startsWith('SIP/2.0 603'))
  const answered = first.transfer(aorOf(other))
  await second.rings()
  t.regex((await first.transfer(aorOf(one))).progress, /^SIP\/2.0 603/)
  await second.reject()
  t.regex((await answered).progress, /^SIP\/2.0 [56]/)
  await caller.bye()
})

test('a device that may dial numbers sends its caller to one', async (t) => {
  const { setup, caller, first, number } = await withTrunk(t)
  const { id } = await latestCall(setup.api, isUp)
  await first.transfer(number)
  await first.closed()
  t.true(await caller.hears(caller), 'the carrier sends its tone back')
  await caller.hangup()
  await endsWell(t, setup, id)
})

test('a caller who was sent to a flow of the customer hears it', async (t) => {
  const { setup, caller, first } = await three(t)
  const uri = await flow(setup, [['answer'], ['play', { stream_urls: ['digits:1234567890'] }]])
  await first.transfer(uri)
  t.true(await becomesTrue(10_000, () => caller.hearing() !== ''))
  await first.closed()
  await caller.closed(20_000)
})
