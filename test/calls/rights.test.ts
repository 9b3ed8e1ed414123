import test from 'ava'
import { makeFlow } from '../actions/support.ts'
import { activeflow, type ActiveflowView } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { header, type SipMessage } from '../support/sip.ts'
import { connectTo, dial, limit, sip } from './rights-support.ts'
import { device, hasEnded, incoming, latestCall, leavesNothing, sdp } from './support.ts'

const base = 'hashdial.test'

test('a customer calls nobody’s extension and nobody’s trunk but his own, however he writes it', async (t) => {
  const [setup, victim] = [await setUp(t), await setUp(t)]
  const extension = await victim.extension()
  const phone = await device(victim, extension)
  const host = `${victim.customer.id}.trunk.${base}`
  const targets = [`sip:${extension.username}@${extension.domain_name}`, `sip:+19001234567@${host}`]
  targets.push(`sip:+19001234567@${host.toUpperCase()}`, `sip:+19001234567@${host}.`, `sips:+19001234567@${host}`)
  targets.push(
    `sip:+19001234567@${host}:5060;user=phone`,
    `sip:+19001234567@${host};lr`,
    `sip:x@127.0.0.1;maddr=${host}`,
  )
  targets.push(
    `sip:+19001234567@${host}?Route=%3Csip:x%3E`,
    `sip:+1900:x@${host}`,
    `sip:+1900@${host.replace('.t', '%2et')}`,
  )
  const actions = [{ type: 'answer' }]
  for (const target of targets) {
    const destinations = [sip(target)]
    t.is((await setup.api('POST', '/calls', { destination: sip(target), actions })).status, 400, target)
    t.is((await setup.api('POST', '/groupcalls', { destinations, actions })).status, 400, target)
    for (const type of ['connect', 'call']) {
      const option = { destinations, ...(type === 'call' && { actions }) }
      const { status, body } = await setup.api<{ error: { details: { field: string }[] } }>('POST', '/flows', {
        ...{ name: 'x', actions: [{ type, option }] },
      })
      t.is(status, 400, target)
      t.is(body.error.details[0]?.field, 'actions[0].option.destinations[0].target')
    }
  }
  const set = (target: string) => ({ type: 'variable_set', option: { key: 'target', value: target } })
  const late = (target: string) => [set(target), ...connectTo(['${target}'], { relay_reason: false })]
  const { direct_uri, id } = await makeFlow(setup, late(targets[0]!))
  for (const target of targets.slice(0, 4)) {
    await setup.api('PUT', `/flows/${id}`, { actions: late(target) })
    t.is((await dial(setup, direct_uri)).status, 480, target)
    const told = ({ status, executed_actions: [, connect] }: ActiveflowView) =>
      status === 'ended' && /is not yours/.test(connect?.result ?? '')
    t.truthy(await activeflow(setup, told), target)
  }
  t.deepEqual(
    phone.received.filter(({ method }) => method === 'INVITE'),
    [],
  )
})

test('a customer reaches what is his own by its address, and others at their direct addresses', async (t) => {
  const [setup, other] = [await setUp(t), await setUp(t)]
  const [own, theirs] = [await setup.extension(), await other.extension()]
  for (const [who, extension, target] of [
    [setup, own, `sip:${own.username}@${own.domain_name.toUpperCase()}.`],
    [setup, own, own.direct_uri],
    [other, theirs, theirs.direct_uri],
  ] as const) {
    const phone = await device(who, extension)
    const answered = dial(setup, (await makeFlow(setup, connectTo([target]))).direct_uri)
    const invite = await incoming(phone)
    t.notRegex(invite.text, /hashdial-(leg|call)/i)
    phone.reply(invite, '603 Decline')
    t.is((await answered).status, 603, target)
  }
})

test('a customer calls an address outside, and none that is private unless the operator says so', async (t) => {
  const setup = await setUp(t)
  const far = await setup.sip()
  const answered = dial(setup, (await makeFlow(setup, connectTo([`sip:ann@127.0.0.1:${far.port}`]))).direct_uri)
  const invite = await incoming(far)
  t.is(invite.start, `INVITE sip:ann@127.0.0.1:${far.port} SIP/2.0`)
  t.notRegex(invite.text, /hashdial-(leg|call)/i)
  far.reply(invite, '486 Busy Here')
  t.is((await answered).status, 486)
  const actions = [{ type: 'answer' }]
  for (const host of ['127.0.0.2', '10.0.0.1', '169.254.169.254', '[::1]', 'no-such-name.invalid'])
    t.is((await setup.api('POST', '/calls', { destination: sip(`sip:x@${host}:5080`), actions })).status, 400, host)
  // These addresses may be called, but there are our own programs.
  const { sip: edge, asteriskSip } = setup.stack.ports
  for (const port of [edge, asteriskSip])
    for (const user of ['x', '1001', `flow.${setup.customer.id}`]) {
      const { direct_uri } = await makeFlow(setup, connectTo([`sip:${user}@127.0.0.1:${port}`]))
      t.is((await dial(setup, direct_uri)).status, 404, `${user} ${port}`)
    }
})

test('a call of 25 wrong direct addresses shuts the door for its customer alone', async (t) => {
  const [setup, other] = [await setUp(t), await setUp(t)]
  const wrong = Array.from({ length: 19 }, (_, n) => `sip:direct.0000000000${n + 10}@sip.${base}`)
  await limit(setup, { calls_per_second: 100 })
  const { direct_uri } = await makeFlow(setup, [...connectTo(wrong, { relay_reason: false }), ...connectTo(wrong)])
  const extension = await other.extension()
  const phone = await device(other, extension)
  t.is((await dial(setup, direct_uri)).status, 404)
  const open = await makeFlow(other, connectTo([extension.direct_uri]))
  for (const uri of [open.direct_uri, extension.direct_uri]) {
    const since = phone.received.length
    const answered = dial(setup, uri)
    phone.reply(await phone.message(({ method }) => method === 'INVITE', since), '603 Decline')
    t.is((await answered).status, 603)
  }
  t.is((await dial(setup, (await makeFlow(setup, connectTo([extension.direct_uri]))).direct_uri)).status, 404)
})

test('a device sees of a stranger where he calls from, of a colleague his extension, and nobody who pretends', async (t) => {
  const setup = await setUp(t)
  const [extension, colleague] = [await setup.extension(), await setup.extension()]
  const phone = await device(setup, extension)
  const own = `<sip:${colleague.username}@${colleague.domain_name}>`
  const seen = async (call: () => Promise<SipMessage>) => {
    const since = phone.received.length
    const answered = call()
    const invite = await phone.message(({ method }) => method === 'INVITE', since)
    phone.reply(invite, '603 Decline')
    t.is((await answered).status, 603)
    return header(invite, 'from').replace(/;tag=.*/, '')
  }
  const anonymous = `"Anonymous" <sip:anonymous@sip.${base}>`
  for (const [from, shown] of [
    [own, anonymous],
    [`"${colleague.username}" ${own}`, anonymous],
    [`"${colleague.username}" <sip:x@example.com>`, '"x@example.com" <sip:x@example.com>'],
    ['<sip:+4930123@example.com>', '"+4930123@example.com" <sip:+4930123@example.com>'],
  ] as const)
    t.is(await seen(() => dial(setup, extension.direct_uri, from)), shown)

  const caller = await setup.sip()
  const uri = `sip:${extension.username}@${extension.domain_name}`
  const call = { uri, from: own, body: sdp('127.0.0.1', 40000) }
  t.is(await seen(() => caller.authenticated('INVITE', call, colleague)), own)
  const source = { type: 'extension', target: colleague.id }
  const { direct_uri } = await makeFlow(setup, connectTo([uri], { source }))
  const name = `"${colleague.username}" ${own}`
  t.is(await seen(() => dial(setup, direct_uri)), name)

  const other = await setUp(t)
  const stolen = { type: 'sip', target: own.slice(1, -1), target_name: colleague.username }
  const flow = await makeFlow(other, connectTo([extension.direct_uri], { source: stolen }))
  const address = `${colleague.username}@sip.${base}`
  t.is(await seen(() => dial(setup, flow.direct_uri)), `"${address}" <sip:${address}>`)
  const ended = await latestCall(setup.api, hasEnded)
  t.true(await leavesNothing(setup.stack, ended.activeflow_id))
})
