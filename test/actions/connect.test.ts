import test from 'ava'
import { device, hasEnded, hearEachOther, incoming, latestCall, leavesNothing, sdp } from '../calls/support.ts'
import { flow } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { header } from '../support/sip.ts'

for (const [what, option, from] of [
  [
    'the source that it names',
    { source: { type: 'tel', target: '+4930123', target_name: 'Acme' } },
    /^"?Acme"? <sip:\+4930123@/,
  ],
  ['nobody, when it is anonymous', { anonymous: true }, /^"?Anonymous"? <sip:anonymous@/],
  ['who calls, without the early media when it says so', { early_media: false }, /<sip:client@/],
] as const) {
  test(`connect shows ${what}`, async (t) => {
    const setup = await setUp(t)
    const extension = await setup.extension()
    const phone = await device(setup, extension)
    const destinations = [{ type: 'extension', target: extension.id }]
    const uri = await flow(setup, [['connect', { destinations, relay_reason: true, ...option }]])
    const caller = await setup.sip()
    const call = { uri, body: sdp('127.0.0.1', 40000) }
    const final = caller.request('INVITE', call)
    const invite = await incoming(phone)
    t.regex(header(invite, 'from'), from)
    t.is(header(invite, 'privacy'), 'anonymous' in option ? 'id' : '')
    phone.reply(invite, '180 Ringing')
    await caller.message(({ status }) => status === 180)
    phone.reply(invite, '183 Session Progress', [], sdp('127.0.0.1', 40002))
    if (!('early_media' in option)) await caller.message(({ status, body }) => status === 183 && body !== '')
    phone.reply(invite, '486 Busy Here')
    t.is((await final).status, 486)
    t.is(
      caller.received.filter(({ status, body }) => status < 200 && body !== '').length > 0,
      !('early_media' in option),
    )
    caller.acknowledge(await final, call)
  })
}

test('connect rings several at once, and connects with who answers first', async (t) => {
  const setup = await setUp(t)
  const extensions = [await setup.extension(), await setup.extension()]
  const [one, other] = await Promise.all(extensions.map((extension) => setup.phone(extension)))
  const destinations = extensions.map(({ id }) => ({ type: 'extension', target: id }))
  const caller = await setup.stranger()
  await caller.dial(await flow(setup, [['connect', { destinations }]]))
  await Promise.all([one!.rings(), other!.rings(), caller.hearsRinging()])
  await other!.answer()
  await one!.closed()
  await hearEachOther(t, caller, other!)
  await caller.hangup()
  await other!.closed()
  t.true(await leavesNothing(setup.stack, (await latestCall(setup.api, hasEnded)).activeflow_id))
})

test('connect rings one after another, the next when one is busy', async (t) => {
  const setup = await setUp(t)
  const extensions = [await setup.extension(), await setup.extension()]
  const [busy, phone] = [await device(setup, extensions[0]!), await setup.phone(extensions[1]!)]
  const destinations = extensions.map(({ id }) => ({ type: 'extension', target: id }))
  const caller = await setup.stranger()
  await caller.dial(await flow(setup, [['connect', { destinations, ring_method: 'linear' }]]))
  busy.reply(await incoming(busy), '486 Busy Here')
  await phone.rings()
  await phone.answer()
  await hearEachOther(t, caller, phone)
  await phone.hangup()
  await caller.closed()
  t.true(await leavesNothing(setup.stack, (await latestCall(setup.api, hasEnded)).activeflow_id))
})
