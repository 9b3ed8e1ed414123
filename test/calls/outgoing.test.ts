import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { activeflow, runs } from '../support/flows.ts'
import { setUp, type Setup } from '../support/setup.ts'
import { header } from '../support/sip.ts'
import { webServer } from '../support/web.ts'
import { device, hasEnded, incoming, latestCall, leavesNothing } from './support.ts'

interface Made {
  id: string
  groupcall_id: string | null
  status: string
  error?: { reason: string; details: { field: string }[] }
}

interface GroupcallView {
  id: string
  status: string
  call_ids: string[]
  answer_call_id: string | null
  hangup_by: string
  hangup_reason: string
}

const extensionOf = ({ id }: { id: string }) => ({ type: 'extension', target: id })

const makeCall = (setup: Setup, body: object) => setup.api<Made>('POST', '/calls', body)

/** What the API shows there, once it is as wanted. */
async function shown<View>(setup: Setup, path: string, wanted: (view: View) => boolean): Promise<View> {
  let seen: View | undefined
  const found = await becomesTrue(15_000, async () => {
    seen = (await setup.api<View>('GET', path)).body
    return wanted(seen)
  })
  if (!found) throw new Error(`${path} is not as wanted: ${JSON.stringify(seen)}`)
  return seen!
}

const groupcall = (setup: Setup, id: string, wanted: (view: GroupcallView) => boolean): Promise<GroupcallView> =>
  shown(setup, `/groupcalls/${id}`, wanted)

test('a phone that is called by the API rings with the source’s number, and hears the flow when it answers', async (t) => {
  const setup = await setUp(t)
  const web = await webServer(t)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const list = [{ type: 'play', option: { stream_urls: [`${web}/tone/\${hertz}/20.wav`] } }]
  const flow = await setup.api<{ id: string }>('POST', '/flows', { name: 'test', actions: list })
  const { status, body } = await makeCall(setup, {
    source: { type: 'tel', target: '+4930123456', target_name: 'Acme' },
    destination: { type: 'extension', target_name: extension.username },
    ...{ flow_id: flow.body.id, variables: { hertz: '1000' } },
  })
  t.is(status, 201)
  t.like(body, { direction: 'outgoing', status: 'dialing', groupcall_id: null, recording_ids: [] })
  t.like(body, { destination: { type: 'extension', target: extension.id, target_name: extension.username } })
  t.regex(await phone.rings(), /^sip:\+4930123456@/)
  const ringing = await latestCall(setup.api, ({ status }) => status === 'ringing')
  t.is(ringing.id, body.id)
  t.truthy(ringing.tm_ringing)
  await phone.answer()
  t.true(await phone.hears(1000))
  const live = await latestCall(setup.api, ({ status }) => status === 'progressing')
  t.truthy(live.tm_progressing)
  t.is((await setup.api('POST', `/calls/${body.id}/hangup`)).status, 200)
  await phone.closed()
  t.like(await latestCall(setup.api, hasEnded), { hangup_by: 'local', hangup_reason: 'normal' })
  t.like(await activeflow(setup), { reference_id: body.id })
  t.true(await leavesNothing(setup.stack, body.id))
})

test('a flow may begin while it rings, and waits for the answer where it needs one', async (t) => {
  const setup = await setUp(t)
  const web = await webServer(t)
  const extension = await setup.extension()
  const phone = await setup.phone(extension)
  const { body } = await makeCall(setup, {
    ...{ destination: extensionOf(extension), early_execution: true },
    actions: [{ type: 'answer' }, { type: 'play', option: { stream_urls: [`${web}/tone/1000/2.wav`] } }],
  })
  await phone.rings()
  await activeflow(setup, runs('answer'))
  await phone.answer()
  t.true(await phone.hears(1000))
  await phone.closed()
  t.like(await latestCall(setup.api, hasEnded), { hangup_by: 'local', hangup_reason: 'normal' })
  t.true(await leavesNothing(setup.stack, body.id))
})

test('a call that nobody takes says why, and its flow does not run', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const order = { destination: extensionOf(extension), actions: [{ type: 'answer' }] }
  const ended = async () => {
    const { status, hangup_by, hangup_reason, tm_progressing } = await latestCall(setup.api, hasEnded)
    t.deepEqual((await activeflow(setup)).executed_actions, [])
    return [status, hangup_by, hangup_reason, tm_progressing]
  }
  await makeCall(setup, order)
  t.deepEqual(await ended(), ['hangup', 'remote', 'noanswer', null], 'no device')

  const phone = await device(setup, extension)
  const busy = await makeCall(setup, { ...order, anonymous: true })
  const invite = await incoming(phone)
  t.regex(header(invite, 'from'), /^"?Anonymous"? <sip:anonymous@/)
  t.is(header(invite, 'privacy'), 'id')
  phone.reply(invite, '180 Ringing')
  phone.reply(invite, '486 Busy Here')
  t.deepEqual(await ended(), ['hangup', 'remote', 'busy', null])

  const since = phone.received.length
  const canceled = await makeCall(setup, order)
  const next = await phone.message(({ method }) => method === 'INVITE', since)
  phone.reply(next, '180 Ringing')
  await latestCall(setup.api, ({ id, status }) => id === canceled.body.id && status === 'ringing')
  t.is((await setup.api('POST', `/calls/${canceled.body.id}/hangup`)).status, 200)
  await phone.message(({ method }) => method === 'CANCEL')
  phone.reply(next, '487 Request Terminated')
  t.deepEqual(await ended(), ['hangup', 'local', 'cancel', null])
  t.true(await leavesNothing(setup.stack, busy.body.id))
  t.true(await leavesNothing(setup.stack, canceled.body.id))
})

test('of several phones that ring at once the first who answers gets the flow, and the others stop ringing', async (t) => {
  const setup = await setUp(t)
  const web = await webServer(t)
  const extensions = [await setup.extension(), await setup.extension()]
  const [one, other] = await Promise.all(extensions.map((extension) => setup.phone(extension)))
  const { status, body } = await makeCall(setup, {
    destinations: extensions.map(extensionOf),
    actions: [{ type: 'play', option: { stream_urls: [`${web}/tone/1000/20.wav`] } }],
  })
  t.is(status, 201)
  await Promise.all([one!.rings(), other!.rings()])
  await other!.answer()
  await one!.closed()
  t.true(await other!.hears(1000))
  const id = body.groupcall_id!
  const live = await groupcall(setup, id, ({ status }) => status === 'progressing')
  t.is(live.call_ids.length, 2)
  t.true(live.call_ids.includes(live.answer_call_id!))
  const loser = live.call_ids.find((call) => call !== live.answer_call_id)
  t.like(await shown(setup, `/calls/${loser}`, hasEnded), { hangup_by: 'local', hangup_reason: 'cancel' })
  await other!.hangup()
  t.like(await groupcall(setup, id, ({ status }) => status === 'hangup'), {
    hangup_by: 'remote',
    hangup_reason: 'normal',
  })
  for (const call of live.call_ids) t.true(await leavesNothing(setup.stack, call))
})

test('a linear groupcall asks one after another, and can be hung up', async (t) => {
  const setup = await setUp(t)
  const extensions = [await setup.extension(), await setup.extension()]
  const first = await device(setup, extensions[0]!)
  const second = await setup.phone(extensions[1]!)
  const made = await setup.api<GroupcallView>('POST', '/groupcalls', {
    ...{ destinations: extensions.map(extensionOf), ring_method: 'linear', actions: [{ type: 'answer' }] },
  })
  t.is(made.status, 201)
  t.like(made.body, { status: 'dialing', ring_method: 'linear', answer_call_id: null })
  const invite = await incoming(first)
  t.is((await setup.api<GroupcallView>('GET', `/groupcalls/${made.body.id}`)).body.call_ids.length, 1)
  first.reply(invite, '486 Busy Here')
  await second.rings()
  t.is((await setup.api('POST', `/groupcalls/${made.body.id}/hangup`)).status, 200)
  await second.closed()
  const ended = await groupcall(setup, made.body.id, ({ status }) => status === 'hangup')
  t.like(ended, { hangup_by: 'local', hangup_reason: 'cancel', answer_call_id: null })
  t.is((await setup.api('POST', `/groupcalls/${made.body.id}/hangup`)).status, 409)
  for (const call of ended.call_ids) t.true(await leavesNothing(setup.stack, call))
})

test('an order that cannot be carried out is refused with what is wrong', async (t) => {
  const [setup, other] = [await setUp(t), await setUp(t)]
  const extension = await setup.extension()
  const flow = await other.api<{ id: string }>('POST', '/flows', { name: 'test', actions: [] })
  const destination = extensionOf(extension)
  const refused = async (body: object) => {
    const answer = await makeCall(setup, body)
    return [answer.status, answer.body.error?.reason, answer.body.error?.details[0]?.field]
  }
  t.deepEqual(await refused({ destination, flow_id: flow.body.id }), [404, 'FLOW_NOT_FOUND', undefined])
  t.deepEqual((await refused({ destination, actions: [{ type: 'fly' }] })).slice(1), [
    'INVALID_ACTIONS',
    'actions[0].type',
  ])
  const foreign = extensionOf(await other.extension())
  t.deepEqual((await refused({ destination: foreign, actions: [] })).slice(0, 2), [404, 'DESTINATION_NOT_FOUND'])
  t.is((await refused({ destination })).at(0), 400)
  t.is((await refused({ actions: [] })).at(0), 400)
  t.is((await refused({ destination: { type: 'pigeon', target: 'x' }, actions: [] })).at(0), 400)
  t.is((await refused({ destination, actions: [], flow_id: flow.body.id })).at(0), 400)
})
